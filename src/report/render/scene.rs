//! The drawn figure as a list of shapes in points (1/72 inch), x to the right and y downwards.

use super::markup::Line;

pub type Point = (f64, f64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn new(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self { left, top, right: left + width, bottom: top + height }
    }

    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub fn grown(&self, by: f64) -> Self {
        Self { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    pub fn contains(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    pub fn meets(&self, other: &Rect) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// What a shape stands for. Legends keep clear of everything that shows data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Outside the claim.
    Shade,
    /// Spread over replicas.
    Band,
    /// Line of a law.
    Line,
    /// Standard error of the mean.
    Bar,
    Marker,
    /// Overlay with its label.
    Reference,
    /// Frames, ticks, guides of the residual strip.
    Frame,
    /// Cell of a heat map or of its colour bar.
    Cell,
    Text,
    Legend,
}

impl Role {
    /// Whether a legend must not cover it.
    pub fn shows_data(self) -> bool {
        match self {
            Role::Band | Role::Line | Role::Bar | Role::Marker | Role::Reference => true,
            Role::Shade | Role::Frame | Role::Cell | Role::Text | Role::Legend => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// An open or (first point repeated) closed line.
    Path { points: Vec<Point>, width: f64 },
    /// A filled polygon.
    Polygon(Vec<Point>),
    /// A filled rectangle.
    Block(Rect),
    /// The outline of a circle.
    Circle { center: Point, radius: f64, width: f64 },
    /// A line of text from the start of its baseline, running upwards if `rotated`.
    Text { origin: Point, line: Line, rotated: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub role: Role,
    pub color: Color,
    pub opacity: f64,
    pub shape: Shape,
}

impl Item {
    pub fn new(role: Role, color: Color, shape: Shape) -> Self {
        Self { role, color, opacity: 1.0, shape }
    }

    pub fn faded(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    /// The box that the shape occupies, without the width of its line.
    pub fn bounds(&self) -> Rect {
        let around = |points: &[Point]| {
            let mut rect = Rect {
                left: f64::INFINITY,
                top: f64::INFINITY,
                right: f64::NEG_INFINITY,
                bottom: f64::NEG_INFINITY,
            };
            for &(x, y) in points {
                rect.left = rect.left.min(x);
                rect.right = rect.right.max(x);
                rect.top = rect.top.min(y);
                rect.bottom = rect.bottom.max(y);
            }
            rect
        };
        match &self.shape {
            Shape::Path { points, .. } | Shape::Polygon(points) => around(points),
            Shape::Block(rect) => *rect,
            Shape::Circle { center: (x, y), radius, .. } => {
                around(&[(x - radius, y - radius), (x + radius, y + radius)])
            }
            Shape::Text { origin: (x, y), line, rotated } => {
                let up = line.runs.iter().map(|r| r.rise + 0.74 * r.size).fold(0.0, f64::max);
                let down = line.runs.iter().map(|r| 0.21 * r.size - r.rise).fold(0.0, f64::max);
                if *rotated {
                    around(&[(x - up, y - line.width), (x + down, *y)])
                } else {
                    around(&[(*x, y - up), (x + line.width, y + down)])
                }
            }
        }
    }
}

/// Where the parts of one panel came to lie.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelGeometry {
    pub frame: Rect,
    pub strip: Option<Rect>,
    /// The legend drawn inside the frame.
    pub legend: Option<Rect>,
}

/// A figure with every position decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub width: f64,
    pub height: f64,
    /// In the order of drawing.
    pub items: Vec<Item>,
    pub panels: Vec<PanelGeometry>,
    /// Title and words of the figure without markup, for readers that see no picture.
    pub title: String,
    pub description: String,
}
