//! The page for people, in a real browser.

use serde_json::{Value, json};
use test_origin::catalog;
use testkit::{Browser, skipped};

use crate::support::{Origin, prepare, wait_until};

/// A browser with what every test needs, or why there is none.
fn browser() -> Option<Browser> {
    match Browser::start() {
        Ok(browser) => Some(browser),
        Err(reason) => {
            skipped(&reason);
            None
        }
    }
}

fn page(origin: &Origin) -> String {
    origin.at("")
}

#[test]
fn the_page_plays_the_stream_of_every_profile() {
    let Some(mut browser) = browser() else { return };
    for name in catalog::names() {
        prepare(name);
        let origin = Origin::start(|command| command.args(["--profile", name]));
        let mut tab = browser.open(&page(&origin));
        let mut time = || tab.evaluate("document.querySelector('video').currentTime").as_f64().unwrap_or(0.0);
        wait_until(&format!("{name} plays"), || time() > 0.5);
        let before = time();
        wait_until(&format!("{name} plays on"), || time() > before + 1.0);
        // More pixels than the page has would be decoded for nothing, and not in real time everywhere.
        let expected = if name == "4k-abr" { "360p/index.m3u8" } else { "stream.m3u8" };
        assert_eq!(tab.evaluate("document.querySelector('video').src"), json!(origin.at(expected)));
        tab.close();
    }
}

#[test]
fn the_page_tells_what_is_so_and_fits_a_phone() {
    let Some(mut browser) = browser() else { return };
    let origin = Origin::of_file("tiny-pair", &[]);
    let mut tab = browser.open(&page(&origin));
    let mut text = |id: &str| {
        let text = tab.evaluate(&format!("document.getElementById('{id}')?.textContent ?? ''"));
        text.as_str().unwrap_or_default().to_owned()
    };
    wait_until("the profile is told", || text("title") == "test-origin: tiny-pair");
    wait_until("the encoder runs", || text("encoder") == "runs");
    assert!(text("description").contains("two as small as it gets; segments of 1 s, 4 in the playlist"));
    wait_until("there are requests", || text("rate").parse::<f64>().is_ok_and(|rate| rate > 0.0));
    assert_eq!(text("faults"), "none");
    origin.begin_fault("freeze");
    wait_until("the fault is told", || text("faults") == "freeze in force");
    wait_until("the encoder stands still", || text("encoder") == "stands still");
    wait_until("the playlist is old", || {
        text("age").trim_end_matches(" s").parse::<f64>().is_ok_and(|age| age > 3.0)
    });

    let urls = tab.evaluate("[...document.querySelectorAll('.stream input')].map((input) => input.value)");
    assert_eq!(urls, json!([origin.url, origin.at("big/index.m3u8"), origin.at("small/index.m3u8")]));
    let elsewhere = "performance.getEntriesByType('resource').map((entry) => entry.name)
        .filter((name) => !name.startsWith(location.origin))";
    assert_eq!(tab.evaluate(elsewhere), json!([]), "nothing comes from outside");
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    tab.call("Emulation.setDeviceMetricsOverride", &phone);
    wait_until("the window is a phone's", || tab.evaluate("innerWidth") == json!(360));
    assert_eq!(tab.evaluate("document.documentElement.scrollWidth"), json!(360), "nothing is cut off");
    let narrow = "[...document.querySelectorAll('.stream input')].every((input) => input.offsetWidth > 150)";
    assert_eq!(tab.evaluate(narrow), Value::Bool(true), "URLs can be read");

    origin.begin_fault("outage");
    wait_until("the page says that nobody answers", || {
        let faults = tab.evaluate("document.getElementById('faults').textContent");
        faults.as_str().unwrap_or_default().starts_with("the origin does not answer")
    });
}

#[test]
fn a_browser_that_cannot_play_says_so_and_what_can() {
    let Some(mut browser) = browser() else { return };
    let origin = Origin::tiny();
    let mut tab = browser.open("about:blank");
    let cannot = json!({ "source": "HTMLMediaElement.prototype.canPlayType = () => ''" });
    tab.call("Page.enable", &json!({}));
    tab.call("Page.addScriptToEvaluateOnNewDocument", &cannot);
    tab.call("Page.navigate", &json!({ "url": page(&origin) }));
    wait_until("players are named", || {
        let players = tab.evaluate("document.getElementById('players')?.textContent ?? ''");
        players.as_str().unwrap().contains(&format!("mpv {}", origin.url))
    });
    let shown = "[document.getElementById('cannot').hidden, document.getElementById('video').hidden]";
    assert_eq!(tab.evaluate(shown), json!([false, true]));
}
