//! One media playlist, looked at again and again: every rule that can be broken between two looks.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use m3u8_rs::MediaPlaylist;

use super::Web;

/// What is known of a playlist so far. Looks panic when a rule is broken.
pub(crate) struct Walk {
    path: PathBuf,
    segment_seconds: u32,
    folder: PathBuf,
    seen: Option<MediaPlaylist>,
    /// When the playlist was first seen as it is, and when last.
    since: Instant,
    until: Instant,
    init: Vec<u8>,
    first: u64,
    /// Bytes of the segments from `first` on.
    sizes: Vec<u64>,
}

impl Walk {
    pub(crate) fn begin(path: &Path, segment_seconds: u32, folder: &Path) -> Self {
        let folder = folder.join(path.display().to_string().replace('/', "-"));
        std::fs::create_dir(&folder).unwrap();
        let (path, now) = (path.to_owned(), Instant::now());
        let (init, sizes) = (Vec::new(), Vec::new());
        Self { path, segment_seconds, folder, seen: None, since: now, until: now, init, first: 0, sizes }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The media sequence of the first segment that was fetched.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// And of the last one.
    pub(crate) fn last(&self) -> u64 {
        self.first + self.sizes.len() as u64 - 1
    }

    /// Of the largest segment.
    pub(crate) fn peak_bits_per_second(&self) -> u64 {
        8 * self.sizes.iter().max().unwrap() / u64::from(self.segment_seconds)
    }

    /// Looks once. `late` is by how much this program itself was late so far: on a machine that is so busy, an encoder
    /// is late as well, and nothing can be said about less than that.
    pub(crate) fn look(&mut self, web: &Web, late: Duration) {
        let asked = Instant::now();
        let playlist = self.fetch(web);
        self.check(&playlist);
        let Some(seen) = self.seen.take() else {
            self.first = newest(&playlist);
            self.init = self.fetch_init(web, &playlist);
            self.keep(web, &playlist);
            (self.seen, self.since, self.until) = (Some(playlist), Instant::now(), asked);
            return;
        };
        if seen == playlist {
            (self.seen, self.until) = (Some(seen), asked);
            return;
        }
        // At least so long it was the same: RFC 8216bis 6.2.1 allows 1.5 target durations.
        let stood = self.until.saturating_duration_since(self.since);
        let allowed = Duration::from_secs(playlist.target_duration).mul_f64(1.5) + late;
        assert!(stood <= allowed, "{}: stood still for {stood:?}, at most {allowed:?}", self.told());
        self.check_follows(&seen, &playlist);
        self.keep(web, &playlist);
        self.check_that_old_ones_are_served(web, &playlist);
        (self.seen, self.since, self.until) = (Some(playlist), Instant::now(), asked);
    }

    /// The segments of these numbers in one file, behind their init section.
    pub(crate) fn write(&self, numbers: RangeInclusive<u64>, file: &Path) {
        let mut bytes = self.init.clone();
        for number in numbers {
            bytes.extend(std::fs::read(self.folder.join(number.to_string())).unwrap());
        }
        std::fs::write(file, bytes).unwrap();
    }

    fn told(&self) -> String {
        self.path.display().to_string()
    }

    fn fetch(&self, web: &Web) -> MediaPlaylist {
        let text = web.get(&self.told()).unwrap_or_else(|| panic!("{} is not served", self.told()));
        let mut playlist = m3u8_rs::parse_media_playlist_res(&text)
            .unwrap_or_else(|error| panic!("{}: {error:?}", self.told()));
        // It holds for all segments behind it (RFC 8216 4.3.2.5), and stands before the first, whichever that is.
        let mut map = None;
        for segment in &mut playlist.segments {
            map = segment.map.take().or(map);
            segment.map.clone_from(&map);
        }
        playlist
    }

    /// RFC 8216 4.3.3: what is true of each state of a live playlist.
    fn check(&self, playlist: &MediaPlaylist) {
        let told = self.told();
        assert!(!playlist.end_list && playlist.playlist_type.is_none(), "{told} is live");
        assert_eq!(playlist.target_duration, u64::from(self.segment_seconds), "{told}: target duration");
        for segment in &playlist.segments {
            let seconds = segment.duration.round();
            assert!(
                seconds <= playlist.target_duration as f32,
                "{told}: {segment:?} is longer than the target"
            );
            assert!(!segment.discontinuity, "{told}: {segment:?} is behind a discontinuity");
        }
    }

    /// RFC 8216 6.2.2: from one state to the next, old segments leave at the front and new ones come at the end.
    fn check_follows(&self, old: &MediaPlaylist, new: &MediaPlaylist) {
        let told = self.told();
        assert_eq!(new.segments.len(), old.segments.len(), "{told}: the window has always the same length");
        let steps = new.media_sequence.checked_sub(old.media_sequence);
        let steps =
            steps.unwrap_or_else(|| panic!("{told}: {} after {}", new.media_sequence, old.media_sequence));
        let steps = usize::try_from(steps).unwrap();
        assert!((1..old.segments.len()).contains(&steps), "{told}: {steps} steps at once");
        // What stayed is the same, so each of the steps is one segment.
        assert_eq!(old.segments[steps..], new.segments[..new.segments.len() - steps], "{told}");
        let mut names: Vec<_> = new.segments.iter().map(|segment| &segment.uri).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), new.segments.len(), "{told}: a name is there twice");
    }

    fn fetch_init(&self, web: &Web, playlist: &MediaPlaylist) -> Vec<u8> {
        let Some(map) = playlist.segments.iter().find_map(|segment| segment.map.as_ref()) else {
            return Vec::new();
        };
        web.get(&self.beside(&map.uri)).unwrap_or_else(|| panic!("{}: no init section", self.told()))
    }

    /// Fetches what is new.
    fn keep(&mut self, web: &Web, playlist: &MediaPlaylist) {
        for (segment, number) in playlist.segments.iter().zip(playlist.media_sequence..) {
            if number != self.first + self.sizes.len() as u64 {
                continue;
            }
            let path = self.beside(&segment.uri);
            let bytes = web.get(&path).unwrap_or_else(|| panic!("{path} is in the playlist, but not served"));
            std::fs::write(self.folder.join(number.to_string()), &bytes).unwrap();
            self.sizes.push(bytes.len() as u64);
        }
    }

    /// A segment stays for one window after it left (RFC 8216 6.2.2 demands its own length and that of the playlist).
    fn check_that_old_ones_are_served(&self, web: &Web, playlist: &MediaPlaylist) {
        let window = playlist.segments.len() as u64;
        // The one before it may go at any moment.
        let Some(number) = (playlist.media_sequence + 1).checked_sub(window) else { return };
        let name = format!("segment{number:06}.{}", extension(playlist));
        if web.get(&self.beside(&name)).is_none() {
            let now = self.fetch(web).media_sequence;
            assert!(now > playlist.media_sequence, "{}: {name} is gone, and the first is {now}", self.told());
        }
    }

    fn beside(&self, name: &str) -> String {
        self.path.with_file_name(name).display().to_string()
    }
}

fn newest(playlist: &MediaPlaylist) -> u64 {
    playlist.media_sequence + playlist.segments.len() as u64 - 1
}

fn extension(playlist: &MediaPlaylist) -> &str {
    playlist.segments[0].uri.rsplit('.').next().unwrap()
}
