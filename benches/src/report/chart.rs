//! The ratios as bars, on a scale where each step is ten times the last.

use crate::row::Row;

/// One bar a row that has a ratio.
pub(crate) fn svg(rows: &[Row]) -> String {
    let bars: Vec<_> = rows.iter().filter_map(|row| Some((&row.name, row.ratio()?))).collect();
    let height = TOP + bars.len() as f64 * STEP + 10.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"18\" font-weight=\"bold\">datatracks: times better than livekit-datatrack 0.2.4</text>\n"
    );
    for times in [1, 10, 100, 1000] {
        let x = place(f64::from(times));
        svg += &format!(
            "<path d=\"M{x:.1} {TOP}V{height}\" stroke=\"#ccc\"/><text x=\"{x:.1}\" y=\"36\" text-anchor=\"middle\" fill=\"#666\">{times} ×</text>\n"
        );
    }
    for ((name, ratio), number) in bars.iter().zip(0_u32..) {
        svg += &bar(name, *ratio, TOP + f64::from(number) * STEP);
    }
    svg + "</svg>\n"
}

fn bar(name: &str, ratio: f64, y: f64) -> String {
    let (one, end) = (place(1.0), place(ratio));
    let (left, width) = (one.min(end), (end - one).abs());
    let colour = if ratio < 1.0 { "#c0392b" } else { "#2471a3" };
    let baseline = y + 13.0;
    format!(
        "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{name}</text>\
         <rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"12\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{baseline}\">{ratio:.1} ×</text>\n",
        LEFT - 10.0,
        y + 3.0,
        left + width + 5.0,
    )
}

fn place(ratio: f64) -> f64 {
    LEFT + DECADE * (ratio.clamp(LEAST, MOST) / LEAST).log10()
}

const WIDTH: f64 = 760.0;
const TOP: f64 = 44.0;
const STEP: f64 = 20.0;
/// Where the names end.
const LEFT: f64 = 190.0;
const DECADE: f64 = 130.0;
/// What is beyond stands at the edge.
const LEAST: f64 = 0.5;
const MOST: f64 = 5000.0;
