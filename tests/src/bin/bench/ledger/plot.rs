//! Draws growth as an SVG that reads well on light and dark pages.

use std::fmt::Write as _;

use super::growth::Point;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 600.0;
const COLUMNS: usize = 3;
/// Room around a panel's axes, and their size.
const LEFT: f64 = 64.0;
const TOP: f64 = 84.0;
const AXIS_WIDTH: f64 = 236.0;
const AXIS_HEIGHT: f64 = 176.0;
const PANEL_WIDTH: f64 = 316.0;
const PANEL_HEIGHT: f64 = 262.0;

const STYLE: &str = "
svg { font: 13px system-ui, sans-serif; }
.page { fill: #ffffff; } text { fill: #1c2733; } .small { font-size: 11px; fill: #4a5a6a; } .title { font-weight: 600; }
.axis { stroke: #7b8a99; fill: none; } .grid { stroke: #dde4ea; }
.line { stroke: #0b62c4; stroke-width: 2; fill: none; } .dot { fill: #0b62c4; }
.bound { stroke: #a34a00; stroke-dasharray: 5 4; stroke-width: 1.5; fill: none; }
@media (prefers-color-scheme: dark) {
.page { fill: #12181f; } text { fill: #e8eef4; } .small { fill: #b4c2cf; }
.axis { stroke: #8496a8; } .grid { stroke: #2b3947; }
.line { stroke: #6db3ff; } .dot { fill: #6db3ff; } .bound { stroke: #ffb066; }
}";

/// One small diagram.
struct Panel {
    title: &'static str,
    unit: &'static str,
    of: fn(&Point) -> f64,
    /// Whether the logarithm through the first point is drawn beside.
    bounded: bool,
}

const PANELS: [Panel; 6] = [
    Panel {
        title: "Time per operation, 64 writers",
        unit: "µs",
        of: |point| point.operation_us,
        bounded: true,
    },
    Panel {
        title: "Node's processor time per operation",
        unit: "µs",
        of: |point| point.node_cpu_us,
        bounded: true,
    },
    Panel {
        title: "Inclusion proof",
        unit: "bytes",
        of: |point| point.proof_bytes,
        bounded: true,
    },
    Panel {
        title: "Record read with proof, 16 readers",
        unit: "µs",
        of: |point| point.read_us,
        bounded: true,
    },
    Panel {
        title: "Resident memory of the node",
        unit: "MB",
        of: |point| point.resident_mb,
        bounded: false,
    },
    Panel {
        title: "State on disk for each record",
        unit: "kB",
        of: |point| point.state_mb * 1024.0 / point.records as f64,
        bounded: false,
    },
];

/// Draws all panels.
pub fn draw(points: &[Point]) -> String {
    let mut svg = String::new();
    let label = "How one validator bears more records: six diagrams over the number of records, on a logarithmic axis";
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}"><style>{STYLE}</style>"#
    );
    let _ = writeln!(
        svg,
        r#"<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>"#
    );
    text(
        &mut svg,
        (16.0, 28.0),
        "title",
        "One validator with more and more records",
    );
    let legend = "blue: measured · dashed: the first value grown as the logarithm of the records · across: records, logarithmic";
    text(&mut svg, (16.0, 48.0), "small", legend);
    for (index, panel) in PANELS.iter().enumerate() {
        let left = LEFT + (index % COLUMNS) as f64 * PANEL_WIDTH;
        let top = TOP + (index / COLUMNS) as f64 * PANEL_HEIGHT;
        draw_panel(&mut svg, panel, points, (left, top));
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_panel(svg: &mut String, panel: &Panel, points: &[Point], (left, top): (f64, f64)) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    let guide = |point: &Point| {
        (panel.of)(first) * (point.records as f64).ln() / (first.records as f64).ln()
    };
    let values = points.iter().map(panel.of);
    let highest = values.chain(points.iter().filter(|_| panel.bounded).map(guide));
    let ceiling = round_up(highest.fold(0.0, f64::max));
    let decades = (first.records as f64).log10()..(last.records as f64).log10();
    let x = |records: u64| {
        let span = (decades.end - decades.start).max(f64::EPSILON);
        left + ((records as f64).log10() - decades.start) / span * AXIS_WIDTH
    };
    let y = |value: f64| top + AXIS_HEIGHT - value / ceiling * AXIS_HEIGHT;

    text(
        svg,
        (left - 48.0, top - 12.0),
        "title",
        &format!("{} ({})", panel.title, panel.unit),
    );
    for quarter in 0..=4 {
        let value = ceiling * f64::from(quarter) / 4.0;
        let (at, right) = (y(value), left + AXIS_WIDTH);
        let _ = writeln!(
            svg,
            r#"<path class="grid" d="M{left:.1} {at:.1}H{right:.1}"/>"#
        );
        text(svg, (left - 48.0, at + 4.0), "small", &number(value));
    }
    for point in points {
        text(
            svg,
            (x(point.records) - 14.0, top + AXIS_HEIGHT + 18.0),
            "small",
            &count(point.records),
        );
    }
    let (bottom, right) = (top + AXIS_HEIGHT, left + AXIS_WIDTH);
    let _ = writeln!(
        svg,
        r#"<path class="axis" d="M{left:.1} {top:.1}V{bottom:.1}H{right:.1}"/>"#
    );
    let place = |value: &dyn Fn(&Point) -> f64| -> Vec<(f64, f64)> {
        points
            .iter()
            .map(|point| (x(point.records), y(value(point))))
            .collect()
    };
    if panel.bounded {
        line(svg, "bound", &place(&guide));
    }
    let measured = place(&panel.of);
    line(svg, "line", &measured);
    for (point, (x, y)) in points.iter().zip(measured) {
        let value = number((panel.of)(point));
        let _ = writeln!(
            svg,
            r#"<circle class="dot" cx="{x:.1}" cy="{y:.1}" r="3.5"><title>{}: {value} {}</title></circle>"#,
            count(point.records),
            panel.unit
        );
    }
}

fn line(svg: &mut String, class: &str, points: &[(f64, f64)]) {
    let points: Vec<_> = points
        .iter()
        .map(|(x, y)| format!("{x:.1},{y:.1}"))
        .collect();
    let _ = writeln!(
        svg,
        r#"<polyline class="{class}" points="{}"/>"#,
        points.join(" ")
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), class: &str, text: &str) {
    let _ = writeln!(
        svg,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#
    );
}

/// The next number of the form 1, 2, 4 or 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(value)
}

fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        0.0 => "0".to_owned(),
        value => format!("{value:.2}"),
    }
}

fn count(records: u64) -> String {
    match records {
        records if records >= 1_000_000 => {
            format!("{:.1}M", records as f64 / 1e6).replace(".0M", "M")
        }
        records if records >= 1_000 => format!("{}k", (records + 500) / 1_000),
        records => records.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(records: u64) -> Point {
        Point {
            records,
            operation_us: 200.0,
            node_cpu_us: 150.0,
            finality_ms: 9.0,
            read_us: 90.0,
            proof_bytes: 700.0,
            resident_mb: 120.0,
            highest_mb: 130.0,
            state_mb: 3.0,
            blocks_mb: 5.0,
            sync_seconds: None,
        }
    }

    #[test]
    fn every_point_is_drawn_within_the_picture() {
        let points: Vec<_> = [1_000, 10_000, 1_000_000].map(point).to_vec();
        let svg = draw(&points);
        assert_eq!(svg.matches("<circle").count(), PANELS.len() * points.len());
        let coordinate = |name: &str| -> Vec<f64> {
            let marks = svg.split("<circle").skip(1);
            let values =
                marks.filter_map(|mark| mark.split(name).nth(1)?.split('"').next()?.parse().ok());
            values.collect()
        };
        let within = |values: Vec<f64>, end: f64| values.iter().all(|at| (0.0..end).contains(at));
        assert!(within(coordinate("cx=\""), WIDTH) && within(coordinate("cy=\""), HEIGHT));
        for label in [
            "Inclusion proof (bytes)",
            "1M",
            "10k",
            "records, logarithmic",
        ] {
            assert!(svg.contains(label), "{label}");
        }
    }

    #[test]
    fn axes_end_at_round_numbers_above_the_values() {
        assert_eq!(round_up(0.3), 0.4);
        assert_eq!(round_up(1_386.0), 2_000.0);
        assert_eq!(round_up(81.0), 100.0);
    }
}
