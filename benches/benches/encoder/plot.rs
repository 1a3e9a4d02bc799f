//! Curves over the same time, one above the other, as SVG.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const PANEL: f64 = 120.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 46.0;
const GAP: f64 = 40.0;

/// Values over seconds.
pub struct Curve {
    pub label: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// A picture of curves, each with its own scale from zero.
pub struct Plot<'a> {
    pub title: &'a str,
    pub curves: Vec<Curve>,
}

impl Plot<'_> {
    pub fn svg(&self) -> String {
        let height = TOP + self.curves.len() as f64 * (PANEL + GAP) - GAP + 34.0;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"18\" font-size=\"14\">{}</text>\n",
            escaped(self.title)
        );
        let seconds = self.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0).fold(1.0, f64::max);
        for (at, curve) in self.curves.iter().enumerate() {
            panel(&mut out, curve, TOP + at as f64 * (PANEL + GAP), seconds);
        }
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{}\">0 s</text>", height - 14.0);
        let right = format!("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">", WIDTH - 20.0, height - 14.0);
        let _ = writeln!(out, "{right}{seconds:.0} s</text>\n</svg>");
        out
    }
}

fn panel(out: &mut String, curve: &Curve, top: f64, seconds: f64) {
    let largest = round_above(curve.points.iter().map(|point| point.1).fold(1.0, f64::max));
    let (right, bottom) = (WIDTH - 20.0, top + PANEL);
    let x = |s: f64| LEFT + s / seconds * (right - LEFT);
    let y = |value: f64| bottom - value / largest * PANEL;
    let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", top - 6.0, escaped(curve.label));
    for share in [0.0, 0.5, 1.0] {
        let at = y(largest * share);
        let _ = writeln!(out, "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ccc\"/>");
        let label = format!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">", LEFT - 6.0, at + 4.0);
        let _ = writeln!(out, "{label}{:.0}</text>", largest * share);
    }
    let line: Vec<String> = curve.points.iter().map(|(s, value)| format!("{:.1},{:.1}", x(*s), y(*value))).collect();
    let _ =
        writeln!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>", line.join(" "));
}

/// The next number that is round, and its half too.
fn round_above(value: f64) -> f64 {
    let unit = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 20.0];
    steps.into_iter().map(|step| step * unit).find(|round| *round >= 1.05 * value).unwrap_or(value)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
