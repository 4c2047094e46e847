//! `--set KEY=VALUE`: one value of a profile, set otherwise than its file has it. Changes the TOML, and leaves it to the
//! file's checks whether a value can be. Pure.

use std::fmt;
use std::str::FromStr;

use toml::{Table, Value};

use super::ProfileError;
use super::file::File;

/// One `--set`. Keys are joined by dots; an element of an array is named by its `name` or its number, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    keys: Vec<String>,
    value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (keys, value) = text.split_once('=').ok_or("write it as KEY=VALUE, as hls.segment_seconds=4")?;
        let keys: Vec<String> = keys.trim().split('.').map(String::from).collect();
        if keys.iter().any(String::is_empty) {
            return Err("a part of the key is empty: write it as hls.segment_seconds=4".to_owned());
        }
        Ok(Self { keys, value: value.trim().to_owned() })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.keys.join("."), self.value)
    }
}

impl Setting {
    fn error(&self, reason: impl Into<String>) -> ProfileError {
        ProfileError::Setting { setting: self.to_string(), reason: reason.into() }
    }

    /// As TOML reads it; what is no TOML is text, so that nobody has to quote twice. Nothing takes the key away.
    fn value(&self) -> Option<Value> {
        if self.value.is_empty() {
            return None;
        }
        let read = format!("value = {}", self.value).parse::<Table>().ok();
        let value = read.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
        Some(value.unwrap_or_else(|| Value::String(self.value.clone())))
    }

    fn put(&self, table: &mut Table, keys: &[String]) -> Result<(), ProfileError> {
        let (key, rest) = match keys {
            [] => return Ok(()),
            [last] => {
                match self.value() {
                    Some(value) => drop(table.insert(last.clone(), value)),
                    None => drop(table.remove(last)),
                }
                return Ok(());
            }
            [key, rest @ ..] => (key, rest),
        };
        match (table.entry(key.as_str()).or_insert_with(|| Value::Table(Table::new())), rest) {
            (Value::Table(inner), rest) => self.put(inner, rest),
            (Value::Array(elements), [element, rest @ ..]) if !rest.is_empty() => {
                self.put(self.element(elements, element)?, rest)
            }
            (Value::Array(_), _) => Err(self.error(format!("name the value in it, as {key}.0.name"))),
            _ => Err(self.error(format!("{key} has no keys of its own"))),
        }
    }

    fn element<'a>(&self, elements: &'a mut [Value], key: &str) -> Result<&'a mut Table, ProfileError> {
        let name = |element: &Value| element.get("name").and_then(Value::as_str).map(String::from);
        let names: Vec<String> = elements.iter().filter_map(name).collect();
        let index = names.iter().position(|name| name == key).or_else(|| key.parse().ok());
        index.and_then(|index| elements.get_mut(index)).and_then(Value::as_table_mut).ok_or_else(|| {
            self.error(format!("there is no {key}: use one of {}, or a number from 0", names.join(", ")))
        })
    }
}

/// `file`, whose text this is, with every setting in it, in their order.
pub(super) fn apply(mut file: File, text: &str, settings: &[Setting]) -> Result<File, ProfileError> {
    let mut table: Table = text.parse().unwrap_or_default();
    for setting in settings {
        setting.put(&mut table, &setting.keys)?;
        // After each of them, so that a wrong one is known by name.
        let read: Result<File, toml::de::Error> = table.clone().try_into();
        file = read.map_err(|error| setting.error(error.message().replace('\n', ", ")))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::profile::{Playlist, Profile, SegmentType};

    fn set(settings: &[&str]) -> Result<Profile, String> {
        let settings = settings.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?;
        let text = include_str!("../../profiles/mini-abr.toml");
        Profile::parse_with(Path::new("mini-abr.toml"), text, &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_value_can_be_set_and_the_last_one_counts() {
        let profile = set(&[
            "hls.segment_seconds=3",
            "hls.segment_seconds = 4",
            "hls.segment_type=fmp4",
            "variant.240p.video_bitrate_kbps=900",
            "variant.2.name=tiny",
            "description=a: \"b\", c",
            "server.tls=true",
        ])
        .unwrap();
        assert_eq!((profile.name.as_str(), profile.description.as_str()), ("mini-abr", "a: \"b\", c"));
        assert_eq!((profile.hls.segment_seconds, profile.hls.segment_type), (4, SegmentType::Fmp4));
        assert_eq!(
            (profile.variants[1].video_bitrate_kbps, profile.variants[2].name.as_str()),
            (900, "tiny")
        );
        assert!(profile.server.tls);
    }

    #[test]
    fn an_empty_value_takes_the_key_away() {
        let settings = ["hls.playlist_segments=", "hls.playlist_type=vod", "hls.vod_seconds=60"];
        assert_eq!(set(&settings).unwrap().hls.playlist, Playlist::Vod { seconds: 60 });
    }

    #[test]
    fn what_cannot_be_set_is_told_with_the_reason() {
        let cases = [
            ("fps", "write it as KEY=VALUE"),
            ("hls..x=1", "a part of the key is empty"),
            ("hls.segment_seconds=0", "mini-abr.toml with --set: hls.segment_seconds: 0 is not in 1 – 20"),
            ("hls.segments=4", "--set hls.segments=4: unknown field `segments`, expected"),
            ("hls.segment_seconds=two", "--set hls.segment_seconds=two: invalid type: string \"two\""),
            ("hls=4", "--set hls=4: invalid type: integer `4`"),
            ("video.fps=", "--set video.fps=: missing field `fps`"),
            ("nonsense.at.all=1", "--set nonsense.at.all=1: unknown field `nonsense`"),
            ("variant.720p.width=1280", "there is no 720p: use one of 360p, 240p, 144p, or a number from 0"),
            ("variant.3.width=1280", "there is no 3: use one of 360p"),
            ("variant.0=1", "name the value in it, as variant.0.name"),
            ("description.x=1", "description has no keys of its own"),
            ("variant.0.width=641", "with --set: variant[0].width: 641 is odd"),
        ];
        for (setting, expected) in cases {
            let message = set(&[setting]).unwrap_err();
            assert!(message.contains(expected), "{setting} said: {message}");
        }
    }
}
