//! The profiles that the binary carries. Never reads the disk.

use std::path::PathBuf;

use crate::profile::{Profile, ProfileError, Setting};

/// Name and text of every file in `profiles/`, sorted by name; the list is made by `build.rs`.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// The names of the built-in profiles, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The built-in profile of that name, if there is one.
///
/// # Errors
/// Never for a released binary: a test reads them all.
pub fn find(name: &str) -> Option<Result<Profile, ProfileError>> {
    find_with(name, &[])
}

/// The built-in profile of that name, if there is one, with some values set otherwise.
///
/// # Errors
/// When a setting cannot be.
pub fn find_with(name: &str, settings: &[Setting]) -> Option<Result<Profile, ProfileError>> {
    let (name, text) = FILES.iter().find(|(known, _)| *known == name)?;
    Some(Profile::parse_with(&PathBuf::from(format!("{name}.toml")), text, settings))
}

/// Every built-in profile, sorted by name.
///
/// # Errors
/// As [`find`].
pub fn all() -> Result<Vec<Profile>, ProfileError> {
    names().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_profile_that_is_valid() {
        let found: Vec<_> = all().unwrap().into_iter().map(|profile| profile.name).collect();
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles")).unwrap();
        let mut files: Vec<_> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort_unstable();
        assert_eq!(found, files.iter().map(|file| file.trim_end_matches(".toml")).collect::<Vec<_>>());
        assert!(!found.is_empty());
    }

    #[test]
    fn an_unknown_name_is_no_profile() {
        assert!(find("no-such").is_none());
    }
}
