//! Pages of runs that never took place.

use super::*;
use crate::output::report::BoxSection;
use crate::output::report::tests::report;
use crate::stats::Row;

/// Nothing on the page may ask for anything.
fn asks_for(page: &str) -> Vec<&str> {
    ["src=", "@import", "url(", "<link rel=stylesheet", "http://cdn"]
        .into_iter()
        .filter(|mark| page.contains(mark))
        .collect()
}

#[test]
fn a_page_says_how_it_went_and_how_to_do_it_again() {
    let page = page(&report(120, 50)).unwrap();
    assert!(
        page.contains("<p class=\"verdict degraded\">DEGRADED: &lt;script&gt;alert(1)&lt;/script&gt;.</p>")
    );
    assert!(page.contains("swarm -clients 50 -header "), "the command line");
    assert!(page.contains("-header &#39;authorization: …&#39;"), "{page}");
    assert!(!page.contains("<script>alert"), "text is no markup");
    assert_eq!(asks_for(&page), Vec::<&str>::new());
    for title in
        ["Viewers", "Requests", "Errors", "Throughput", "Time to fetch a segment", "CPU", "How long it took"]
    {
        assert!(page.contains(&format!("<figcaption>{title}</figcaption>")), "{title}");
    }
    assert!(page.contains("No such file &lt;b&gt;"), "FFmpeg's words");
    assert_eq!(page.matches("<svg").count(), page.matches("<details>").count(), "a table behind each plot");
}

#[test]
fn a_page_of_an_hour_is_below_a_megabyte_and_has_the_worst_second() {
    let mut hour = report(3600, 500);
    hour.series[1801].segment_p99_s = Some(59.0);
    let page = page(&hour).unwrap();
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(page.contains("<td>59 s"), "the worst second is not smoothed away");
    println!("{} bytes", page.len());
}

#[test]
fn a_run_without_a_wire_has_the_plots_that_it_can_have() {
    let direct = Report {
        wire: None,
        series: vec![Row { until_s: 1.0, lasted_s: 1.0, target: 5, active: 5, ..Row::default() }],
        ..report(1, 5)
    };
    let page = page(&direct).unwrap();
    assert!(page.contains("<figcaption>Viewers</figcaption>"));
    assert!(!page.contains("<figcaption>Requests</figcaption>") && !page.contains("How long it took"));
    assert!(super::page(&Report { series: Vec::new(), ..direct }).is_ok());
}

#[test]
fn a_page_of_several_boxes_says_how_to_start_each() {
    let mut merged = report(1, 5);
    merged.boxes = ["a", "b"]
        .map(|name| BoxSection {
            name: name.to_owned(),
            started_at: String::new(),
            peak_active: 5,
            sentence: String::new(),
            command_line: format!("swarm -seed {name}"),
        })
        .into();
    let page = page(&merged).unwrap();
    assert!(page.contains("# a\nswarm -seed a\n# b\nswarm -seed b</pre>"), "{page}");
}

#[test]
fn a_fault_is_marked_as_the_origin_tells_it_else_as_viewers_saw_it() {
    let marked = |page: &str| page.matches(&format!("fill=\"{}\"", palette::Ink::Fault.hex())).count();
    let mut run = report(60, 5);
    for row in &mut run.series {
        row.stalled = u32::from((20.5..25.5).contains(&row.until_s));
    }
    let seen = page(&run).unwrap();
    assert!(
        seen.contains("viewers stalled or interrupted</li>") && !seen.contains("fault in force"),
        "{seen}"
    );
    let plots = marked(&seen);
    assert!(plots > 5, "{plots} strips");
    for row in &mut run.series {
        row.origin_faults = Some(f64::from(u8::from((18.5..24.5).contains(&row.until_s))));
    }
    let told = page(&run).unwrap();
    assert!(told.contains("<li>00:18 fault in force at the origin, for 6 s</li>"), "{told}");
    assert!(told.contains("a fault in force, as the origin says</li>"), "{told}");
    assert_eq!(marked(&told), plots, "one strip in each plot");
}
