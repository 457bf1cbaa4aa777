//! The one look of all figures: sizes in points, colours, dashes, markers.

use std::f64::consts::PI;

use super::scene::{Color, Item, Point, Role, Shape};

/// 180 mm, a double column.
pub const PAGE_WIDTH: f64 = 180.0 / 25.4 * 72.0;

pub const TITLE: f64 = 10.0;
pub const SUBTITLE: f64 = 7.5;
pub const LABEL: f64 = 8.5;
pub const TICK_LABEL: f64 = 7.5;
pub const LEGEND: f64 = 7.5;
pub const NOTE: f64 = 6.8;

pub const FRAME_WIDTH: f64 = 0.6;
pub const LINE_WIDTH: f64 = 1.1;
pub const BAR_WIDTH: f64 = 0.7;
pub const MARKER_WIDTH: f64 = 0.75;
pub const REFERENCE_WIDTH: f64 = 0.8;
pub const MARKER_RADIUS: f64 = 2.1;
pub const MAJOR_TICK: f64 = 3.4;
pub const MINOR_TICK: f64 = 1.9;

pub const INK: Color = Color(0x22, 0x22, 0x22);
pub const GREY: Color = Color(0x5c, 0x5c, 0x5c);
pub const SHADE: Color = Color(0xf1, 0xf1, 0xf1);
pub const WHITE: Color = Color(0xff, 0xff, 0xff);

/// Okabe and Ito's palette, told apart with every kind of colour vision, in an order that keeps neighbours
/// far apart; its yellow, too light for a line on white, is replaced by Tol's wine.
const PALETTE: [Color; 8] = [
    Color(0x00, 0x72, 0xb2),
    Color(0xd5, 0x5e, 0x00),
    Color(0x00, 0x9e, 0x73),
    Color(0x88, 0x22, 0x55),
    Color(0xe6, 0x9f, 0x00),
    Color(0x56, 0xb4, 0xe9),
    Color(0xcc, 0x79, 0xa7),
    Color(0x30, 0x30, 0x30),
];

/// Colour of a series. The second round of the palette is darker, so that 16 series differ.
pub fn color(series: usize) -> Color {
    let Color(r, g, b) = PALETTE[series % PALETTE.len()];
    if (series / PALETTE.len()).is_multiple_of(2) {
        return Color(r, g, b);
    }
    let darker = |c: u8| (f64::from(c) * 0.58) as u8;
    Color(darker(r), darker(g), darker(b))
}

const DASHES: [&[f64]; 8] = [
    &[],
    &[5.0, 1.8],
    &[5.5, 1.6, 1.1, 1.6],
    &[2.2, 1.4],
    &[8.0, 2.0],
    &[5.0, 1.5, 1.1, 1.5, 1.1, 1.5],
    &[1.1, 1.2],
    &[7.0, 1.6, 2.4, 1.6],
];

/// Dash pattern of a law's line. A round of colours shifts it, so that no pair of colour and dash repeats
/// within 64 series.
pub fn dash(style: usize) -> &'static [f64] {
    DASHES[(style + style / PALETTE.len()) % DASHES.len()]
}

const REFERENCES: [&[f64]; 4] =
    [&[0.9, 1.9], &[3.0, 1.6, 0.9, 1.6], &[3.6, 2.2], &[3.0, 1.4, 0.9, 1.4, 0.9, 1.4]];

/// Dots of a grey reference.
pub fn reference(style: usize) -> &'static [f64] {
    REFERENCES[style % REFERENCES.len()]
}

/// The outline of marker number `style` about `center`. All are open, so that lines stay visible.
pub fn marker(style: usize, center: Point, radius: f64, color: Color, role: Role) -> Vec<Item> {
    let path = |points: Vec<Point>| Item::new(role, color, Shape::Path { points, width: MARKER_WIDTH });
    let at = |x: f64, y: f64| (center.0 + radius * x, center.1 + radius * y);
    let polygon = |corners: usize, scale: f64, turn: f64| {
        let corner = |i: usize| {
            let angle = turn + 2.0 * PI * i as f64 / corners as f64;
            (scale * angle.sin(), -scale * angle.cos())
        };
        // Starting in the middle of an edge leaves no notch at a corner.
        let (first, last) = (corner(0), corner(corners - 1));
        let start = (0.5 * (first.0 + last.0), 0.5 * (first.1 + last.1));
        let mut points = vec![at(start.0, start.1)];
        points.extend((0..corners).map(corner).map(|(x, y)| at(x, y)));
        points.push(at(start.0, start.1));
        vec![path(points)]
    };
    let strokes = |ends: &[(f64, f64)]| -> Vec<Item> {
        ends.iter().map(|&(x, y)| path(vec![at(-x, -y), at(x, y)])).collect()
    };
    match style % 10 {
        0 => vec![Item::new(role, color, Shape::Circle { center, radius, width: MARKER_WIDTH })],
        1 => polygon(4, 1.3, PI / 4.0),
        2 => polygon(3, 1.35, 0.0),
        3 => polygon(4, 1.35, 0.0),
        4 => polygon(3, 1.35, PI),
        5 => strokes(&[(0.95, 0.95), (0.95, -0.95)]),
        6 => polygon(5, 1.15, 0.0),
        7 => strokes(&[(1.2, 0.0), (0.0, 1.2)]),
        8 => polygon(3, 1.35, PI / 2.0),
        _ => polygon(3, 1.35, -PI / 2.0),
    }
}
