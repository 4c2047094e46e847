//! Every profile is what RFC 8216 demands of it, for 20 s and over the seam of its clip: walked with a parser that is not
//! ours, and judged by ffprobe and ffmpeg.

mod packets;
mod walk;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use m3u8_rs::MasterPlaylist;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use test_origin::client::Client;
use test_origin::profile::{Profile, SegmentType};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Origin, open_dir, prepare};
use packets::Packets;
use walk::Walk;

/// Longer than any clip, so that its seam is in it; the stream's window at the start is more.
const WALK: Duration = Duration::from_secs(20);
/// Between two looks at a playlist: a quarter of the shortest segment.
const PAUSE: Duration = Duration::from_millis(250);

/// An origin, and what was learned of each of its media playlists.
struct Walked {
    profile: Profile,
    origin: Origin,
    walks: Vec<Walk>,
    folder: tempfile::TempDir,
}

/// GETs over HTTP or HTTPS.
pub(crate) struct Web {
    client: Client,
    address: SocketAddr,
    runtime: Runtime,
}

impl Web {
    fn of(origin: &Origin) -> Self {
        let said = origin.program.stderr();
        let certificate = said
            .lines()
            .find(|line| line.contains("the certificate for"))
            .map(|line| CertificateDer::from_pem_file(line.rsplit(" is ").next().unwrap()).unwrap());
        let address = origin.url.split('/').nth(2).unwrap().parse().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { client: Client::new(certificate.as_ref()).unwrap(), address, runtime }
    }

    /// The body, when the status is 200.
    pub(crate) fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.runtime.block_on(self.client.get(self.address, path)).ok().map(Vec::from)
    }
}

fn live_profiles() -> Vec<Profile> {
    test_origin::catalog::all().unwrap().into_iter().filter(|profile| profile.hls.is_live()).collect()
}

#[test]
fn every_live_profile_is_what_rfc_8216_demands_and_plays_over_the_seam() {
    let profiles = live_profiles();
    assert!(profiles.len() >= 9, "{}", profiles.len());
    // One after another, as each takes all cores; what follows depends on time.
    for profile in &profiles {
        prepare(&profile.name);
    }
    let walked: Vec<_> = std::thread::scope(|scope| {
        let walks: Vec<_> = profiles.into_iter().map(|profile| scope.spawn(|| walk(profile))).collect();
        walks.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut failed = 0;
    for walked in walked {
        let judged = walked.map(|walked| catch_unwind(AssertUnwindSafe(|| judge(&walked))));
        failed += usize::from(!matches!(judged, Ok(Ok(()))));
    }
    assert_eq!(failed, 0, "the profiles that are not as they should be have panicked above");
}

fn walk(profile: Profile) -> Walked {
    let origin = Origin::start(|command| command.args(["--profile", &profile.name]));
    let web = Web::of(&origin);
    let folder = open_dir();
    let mut walks: Vec<Walk> = profile
        .media_playlists()
        .iter()
        .map(|path| Walk::begin(path, profile.hls.segment_seconds, folder.path()))
        .collect();
    let began = Instant::now();
    let mut late = Duration::ZERO;
    while began.elapsed() < WALK {
        for walk in &mut walks {
            walk.look(&web, late);
        }
        let slept = Instant::now();
        std::thread::sleep(PAUSE);
        late = late.max(slept.elapsed().saturating_sub(PAUSE));
    }
    Walked { profile, origin, walks, folder }
}

fn judge(walked: &Walked) {
    let Walked { profile, origin, walks, folder } = walked;
    let web = Web::of(origin);
    keeps_its_promises(profile, &web, walks);
    // What all playlists had, so that they can be compared.
    let first = walks.iter().map(Walk::first).max().unwrap();
    let last = walks.iter().map(Walk::last).min().unwrap();
    let seconds = f64::from(profile.hls.segment_seconds);
    assert!((last - first + 1) as f64 * seconds > 16.0, "{}: {first} – {last} holds no seam", profile.name);
    let mut begins: Vec<f64> = Vec::new();
    for (n, walk) in walks.iter().enumerate() {
        let what = format!("{} {}", profile.name, walk.path().display());
        let file = folder.path().join(format!("whole-{n}"));
        walk.write(first..=last, &file);
        let packets = Packets::of(&file);
        let count = last - first + 1;
        packets.assert_continuous(&what, f64::from(profile.video.fps), 48_000.0 / 1024.0);
        if let Some(keyframes) = packets.assert_keyframes(&what, seconds, count) {
            begins.push(keyframes);
        }
        plays(&what, &origin.at(&walk.path().display().to_string()), &packets);
    }
    assert_eq!(begins.len(), profile.variants.len());
    for begin in &begins {
        assert!((begin - begins[0]).abs() < 1e-3, "{}: variants begin {first} at {begins:?}", profile.name);
    }
}

/// Segments are no larger than the master playlist says.
fn keeps_its_promises(profile: &Profile, web: &Web, walks: &[Walk]) {
    if !profile.has_master() {
        return;
    }
    let text = web.get(Profile::ENTRY).unwrap();
    let master: MasterPlaylist = m3u8_rs::parse_master_playlist_res(&text).unwrap();
    assert_eq!(master.variants.len(), profile.variants.len());
    let rendition =
        walks.iter().skip(profile.variants.len()).map(Walk::peak_bits_per_second).max().unwrap_or(0);
    for (variant, walk) in master.variants.iter().zip(walks) {
        assert_eq!(Path::new(&variant.uri), walk.path());
        let peak = walk.peak_bits_per_second() + rendition;
        assert!(
            peak <= variant.bandwidth,
            "{} {}: {peak} > {}",
            profile.name,
            variant.uri,
            variant.bandwidth
        );
        assert!(variant.codecs.is_some() && variant.resolution.is_some() && variant.frame_rate.is_some());
        assert!(variant.average_bandwidth.is_some_and(|average| average <= variant.bandwidth));
    }
}

/// ffprobe names the streams, and ffmpeg decodes a second of each without a complaint.
fn plays(what: &str, url: &str, packets: &Packets) {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url])
        .output()
        .unwrap();
    let names = String::from_utf8_lossy(&probe.stdout);
    assert_eq!(names.contains("h264"), packets.has_video(), "{what}: {names}");
    assert_eq!(names.contains("aac"), packets.has_audio(), "{what}: {names}");
    let play = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i", url, "-t", "1", "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&play.stderr);
    assert!(play.status.success() && said.is_empty(), "{what}: {said}");
}

#[test]
fn a_stream_with_an_end_is_what_rfc_8216_demands_too() {
    let profile = test_origin::catalog::find("vod").unwrap().unwrap();
    let origin = Origin::start(|command| command.args(["--profile", "vod"]));
    let playlist = origin.playlist(Profile::ENTRY);
    assert!(playlist.end_list && profile.hls.segment_type == SegmentType::MpegTs);
    let file: PathBuf = origin.parent_dir.path().join("whole");
    let mut bytes = Vec::new();
    for segment in &playlist.segments {
        assert!(segment.duration.round() <= playlist.target_duration as f32 && !segment.discontinuity);
        bytes.extend(origin.get(&segment.uri).body);
    }
    std::fs::write(&file, bytes).unwrap();
    let packets = Packets::of(&file);
    packets.assert_continuous("vod", 30.0, 48_000.0 / 1024.0);
    packets.assert_keyframes("vod", 2.0, 15);
    plays("vod", &origin.url, &packets);
}
