//! The header fields of a message, as they came: names keep their case, and lines their order. Knows no field's meaning.

use bytes::Bytes;

/// Names are compared without regard to case, and kept as they were written: an origin sees what FFmpeg wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Bytes, Bytes)>);

impl Fields {
    /// Room for so many.
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Adds one behind all others.
    pub fn push(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.0.push((name.into(), value.into()));
    }

    /// The first of this name, unless it is no text.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find_map(|(own, value)| is(own, name).then_some(value))?;
        std::str::from_utf8(value).ok()
    }

    /// All of this name that are text.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(own, _)| is(own, name));
        named.filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Whether there is one of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| is(own, name))
    }

    /// Whether a field that is a list (RFC 9110 5.6.1) holds this word.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.all(name).flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(word))
    }

    /// Takes out all of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| !is(own, name));
    }

    /// This value, once: in the place of the first of this name, or behind all others.
    pub fn set(&mut self, name: &'static str, value: impl Into<Bytes>) {
        let Some(at) = self.0.iter().position(|(own, _)| is(own, name)) else {
            self.push(name, value);
            return;
        };
        self.0[at].1 = value.into();
        let mut place = 0;
        self.0.retain(|(own, _)| {
            place += 1;
            place <= at + 1 || !is(own, name)
        });
    }

    /// Changes the values of this name that are text.
    pub fn map(&mut self, name: &str, change: impl Fn(&str) -> String) {
        for (_, value) in self.0.iter_mut().filter(|(own, _)| is(own, name)) {
            if let Ok(text) = std::str::from_utf8(value) {
                *value = change(text).into();
            }
        }
    }

    /// As lines, with the empty one that ends a head.
    pub fn write(&self, head: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            for part in [name, &b": "[..], value, b"\r\n"] {
                head.extend_from_slice(part);
            }
        }
        head.extend_from_slice(b"\r\n");
    }
}

impl FromIterator<(&'static str, String)> for Fields {
    fn from_iter<T: IntoIterator<Item = (&'static str, String)>>(fields: T) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

fn is(own: &[u8], name: &str) -> bool {
    own.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        [("HoSt", "h"), ("A", "1"), ("a", "2"), ("Connection", "TE, Close")]
            .map(|(name, value)| (name, value.to_owned()))
            .into_iter()
            .collect()
    }

    fn written(fields: &Fields) -> String {
        let mut head = Vec::new();
        fields.write(&mut head);
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn names_have_no_case_and_keep_theirs() {
        let fields = fields();
        assert_eq!((fields.get("host"), fields.get("A"), fields.get("b")), (Some("h"), Some("1"), None));
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((fields.lists("connection", "close"), fields.lists("connection", "t")), (true, false));
        assert_eq!(written(&fields), "HoSt: h\r\nA: 1\r\na: 2\r\nConnection: TE, Close\r\n\r\n");
    }

    #[test]
    fn a_field_that_is_set_stands_once_in_its_old_place() {
        let mut fields = fields();
        fields.set("a", "3");
        fields.set("b", "4");
        fields.remove("CONNECTION");
        fields.map("host", |value| format!("{value}.example"));
        assert_eq!(written(&fields), "HoSt: h.example\r\nA: 3\r\nb: 4\r\n\r\n");
    }
}
