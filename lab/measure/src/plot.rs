// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows as a plot: a bar for each ratio, and a mark at its limit. Memory is left out, because its
//! large ratios would hide those of time. Pure.
//!
//! The labels are text: the viewer chooses a font.

use lab_base::{Error, Result};
use plotters::{
    prelude::{
        ChartBuilder, Circle, IntoDrawingArea, IntoSegmentedCoord, Rectangle, SVGBackend,
        SegmentValue,
    },
    style::{Color, RGBColor, WHITE},
};

use crate::rows::{BenchRow, Cost, name};

const WIDTH: u32 = 1000;
/// Height of a bar and the gap after it, in pixels.
const BAR: u32 = 22;
/// Width of the column with the labels, in pixels.
const LABELS: u32 = 420;

const FINE: RGBColor = RGBColor(70, 120, 180);
const SHORT: RGBColor = RGBColor(200, 70, 50);
const LIMIT: RGBColor = RGBColor(30, 30, 30);

/// The label of a bar.
pub fn label(row: &BenchRow) -> String {
    format!(
        "{}, {} {}: {}",
        row.operation,
        row.size,
        row.size_of,
        name(row.way)
    )
}

/// An SVG document of the rows with times.
///
/// # Errors
/// [`Error::Unexpected`] if it cannot be drawn.
pub fn svg(rows: &[BenchRow]) -> Result<String> {
    let mut text = String::new();
    let times = |row: &&BenchRow| matches!(row.cost, Cost::Time { .. });
    draw(&rows.iter().filter(times).collect::<Vec<_>>(), &mut text)
        .map_err(|error| Error::Unexpected(format!("drawing the plot: {error}")))?;
    Ok(text)
}

fn draw(
    rows: &[&BenchRow],
    text: &mut String,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let count = rows.len();
    let height = BAR * count as u32 + 100;
    let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = rows
        .iter()
        .flat_map(|row| [row.ratio, row.limit.unwrap_or(1.0)])
        .fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption("cost as a ratio; the dot is its limit", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(LABELS)
        // The first row on top.
        .build_cartesian_2d(0.0..most * 1.05, (0..count.max(1)).into_segmented())?;
    let of = |value: &SegmentValue<usize>| match value {
        SegmentValue::CenterOf(at) | SegmentValue::Exact(at) => {
            rows.get(count.checked_sub(at + 1)?)
        }
        SegmentValue::Last => None,
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(count)
        .y_label_formatter(&|value| of(value).map_or(String::new(), |row| label(row)))
        .label_style(("sans-serif", 12))
        .draw()?;
    for (at, row) in rows.iter().rev().enumerate() {
        let colour = if row.falls_short() { SHORT } else { FINE };
        let mut bar = Rectangle::new(
            [
                (0.0, SegmentValue::Exact(at)),
                (row.ratio, SegmentValue::Exact(at + 1)),
            ],
            colour.filled(),
        );
        bar.set_margin(3, 3, 0, 0);
        chart.draw_series([bar])?;
        if let Some(limit) = row.limit {
            let place = (limit, SegmentValue::CenterOf(at));
            chart.draw_series([Circle::new(place, 4, LIMIT.filled())])?;
        }
    }
    area.present()?;
    drop(chart);
    Ok(())
}
