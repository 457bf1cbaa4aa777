//! From a [`Scene`] to files: `plotters` writes the SVG, `usvg` turns its text into outlines, `resvg`
//! rasterises those.

use std::sync::{Arc, LazyLock};

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontFamily, FontStyle, FontTransform, IntoFont, RGBAColor, ShapeStyle, TextStyle};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use super::font::{self, Face};
use super::scene::{Color, Item, Point, Rect, Scene, Shape};
use super::{Options, RenderError, Rendered};

/// Units of the canvas in a point. The backend draws at integer coordinates; a fiftieth of a point is a
/// twentieth of a pixel of the PNG.
const UNITS: f64 = 50.0;

/// The backend divides font sizes by this and lowers the baseline of a text anchored at its top by
/// `TOP` font sizes.
const SHRINK: f64 = 1.24;
const TOP: f64 = 0.76;

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut database = usvg::fontdb::Database::new();
    for file in font::files() {
        database.load_font_source(usvg::fontdb::Source::Binary(Arc::new(file)));
    }
    Arc::new(database)
});

fn backend(error: impl std::fmt::Display) -> RenderError {
    RenderError::Backend(error.to_string())
}

fn units(length: f64) -> i32 {
    (length * UNITS).round() as i32
}

fn at((x, y): Point) -> (i32, i32) {
    (units(x), units(y))
}

fn paint_of(item: &Item, width: f64) -> ShapeStyle {
    let Color(r, g, b) = item.color;
    ShapeStyle {
        color: RGBAColor(r, g, b, item.opacity),
        filled: true,
        stroke_width: units(width).unsigned_abs(),
    }
}

/// Points on the canvas, without repetitions.
fn path(points: &[Point]) -> Vec<(i32, i32)> {
    let mut path: Vec<(i32, i32)> = points.iter().map(|&p| at(p)).collect();
    path.dedup();
    path
}

fn draw(scene: &Scene) -> Result<String, RenderError> {
    let mut svg = String::new();
    let size = (units(scene.width).unsigned_abs(), units(scene.height).unsigned_abs());
    {
        let mut canvas = SVGBackend::with_string(&mut svg, size);
        let white = ShapeStyle { color: RGBAColor(255, 255, 255, 1.0), filled: true, stroke_width: 0 };
        canvas.draw_rect((0, 0), (size.0 as i32, size.1 as i32), &white, true).map_err(backend)?;
        for item in &scene.items {
            draw_item(&mut canvas, item)?;
        }
        canvas.present().map_err(backend)?;
    }
    // Attributes that the backend cannot set are inherited from a group.
    let start = svg.find('>').map_or(0, |end| end + 1);
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    let body = &svg[start..end];
    Ok(format!("{}<g stroke-linejoin=\"round\" style=\"font-kerning:none\">{body}</g></svg>", &svg[..start]))
}

fn draw_item(canvas: &mut SVGBackend, item: &Item) -> Result<(), RenderError> {
    match &item.shape {
        Shape::Path { points, width } => {
            canvas.draw_path(path(points), &paint_of(item, *width)).map_err(backend)
        }
        Shape::Polygon(points) => canvas.fill_polygon(path(points), &paint_of(item, 0.0)).map_err(backend),
        Shape::Block(Rect { left, top, right, bottom }) => canvas
            .draw_rect(at((*left, *top)), at((*right, *bottom)), &paint_of(item, 0.0), true)
            .map_err(backend),
        Shape::Circle { center, radius, width } => canvas
            .draw_circle(at(*center), units(*radius).unsigned_abs(), &paint_of(item, *width), false)
            .map_err(backend),
        Shape::Text { origin, line, rotated } => {
            for run in &line.runs {
                let style = match run.face {
                    Face::Regular => FontStyle::Normal,
                    Face::Italic => FontStyle::Italic,
                    Face::Bold => FontStyle::Bold,
                };
                let drop = TOP * run.size;
                let (turn, position) = if *rotated {
                    (FontTransform::Rotate270, (origin.0 - run.rise - drop, origin.1 - run.x))
                } else {
                    (FontTransform::None, (origin.0 + run.x, origin.1 - run.rise - drop))
                };
                let font = (FontFamily::Name(font::FAMILY), run.size * UNITS * SHRINK, style).into_font();
                let Color(r, g, b) = item.color;
                let color = RGBAColor(r, g, b, item.opacity);
                let text =
                    TextStyle::from(font.transform(turn)).color(&color).pos(Pos::new(HPos::Left, VPos::Top));
                canvas.draw_text(&run.text, &text, at(position)).map_err(backend)?;
            }
            Ok(())
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn outlines(svg: &str) -> Result<usvg::Tree, RenderError> {
    let settings =
        usvg::Options { fontdb: FONTS.clone(), font_family: font::FAMILY.into(), ..usvg::Options::default() };
    usvg::Tree::from_str(svg, &settings).map_err(backend)
}

/// Both files of a scene.
pub fn files(scene: &Scene, options: &Options) -> Result<Rendered, RenderError> {
    let tree = outlines(&draw(scene)?)?;
    let writing = usvg::WriteOptions {
        coordinates_precision: 1,
        transforms_precision: 4,
        indent: usvg::Indent::None,
        ..usvg::WriteOptions::default()
    };
    let text = tree.to_string(&writing);
    let start = text.find('>').map_or(0, |end| end + 1);
    let millimetres = |points: f64| points / 72.0 * 25.4;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.2}mm\" height=\"{:.2}mm\" \
         viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title><desc>{}</desc>{}",
        millimetres(scene.width),
        millimetres(scene.height),
        units(scene.width),
        units(scene.height),
        escaped(&scene.title),
        escaped(&scene.description),
        &text[start..],
    );

    let scale = f64::from(options.png_width) / tree.size().width() as f64;
    let height = (f64::from(tree.size().height()) * scale).round().max(1.0) as u32;
    let mut pixels = Pixmap::new(options.png_width, height)
        .ok_or_else(|| RenderError::Backend(format!("no picture of {} pixels", options.png_width)))?;
    // The last row of pixels may reach beyond the page.
    pixels.fill(resvg::tiny_skia::Color::WHITE);
    let scale = scale as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    Ok(Rendered { svg, png: encode(&pixels)? })
}

/// Flat colours and thin lines compress best unfiltered and without the opaque alpha channel: 124 kB where
/// the encoder of the rasteriser needs 176 kB.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, RenderError> {
    let colors: Vec<u8> = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(backend)?;
    writer.write_image_data(&colors).map_err(backend)?;
    writer.finish().map_err(backend)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::markup;
    use super::super::scene::Role;
    use super::*;

    /// Bounds in points of the outlines of a text that is placed at (20, 60).
    fn bounds(text: &str, size: f64, rotated: bool) -> [f64; 4] {
        let line = markup::line(text, size, Face::Regular).unwrap();
        let shape = Shape::Text { origin: (20.0, 60.0), line, rotated };
        let scene = Scene {
            width: 700.0,
            height: 90.0,
            items: vec![Item::new(Role::Text, Color(0x21, 0x22, 0x23), shape)],
            panels: Vec::new(),
            title: String::new(),
            description: String::new(),
        };
        // Without the white page, and with the text converted: bounds of a text are those of its line.
        let svg = draw(&scene).unwrap();
        let page = svg.find("<rect").unwrap();
        let end = page + svg[page..].find("/>").unwrap() + 2;
        let tree = outlines(&format!("{}{}", &svg[..page], &svg[end..])).unwrap();
        let tree = outlines(&tree.to_string(&usvg::WriteOptions::default())).unwrap();
        let bounds = tree.root().abs_bounding_box();
        [bounds.left(), bounds.right(), bounds.top(), bounds.bottom()].map(|v| f64::from(v) / UNITS)
    }

    /// The width that the layout assumes is the width that the outlines have: kerning, which would draw
    /// the pairs of this text together by half its size, is off in the converter as well.
    #[test]
    fn measured_widths_are_those_of_the_outlines() {
        let (text, size) = ("HTeAVATo11fiyWH", 40.0);
        let measured = markup::line(text, size, Face::Regular).unwrap().width;
        let [left, right, ..] = bounds(text, size, false);
        // Both ends are the stem of an H, which stands 168/2048 inside its advance.
        let bearing = 168.0 / 2048.0 * size;
        assert!((left - 20.0 - bearing).abs() < 0.05, "{left}");
        assert!((right - 20.0 - measured + bearing).abs() < 0.05, "{right} against {measured}");
    }

    #[test]
    fn text_stands_on_its_baseline() {
        let [_, _, _, bottom] = bounds("H", 32.0, false);
        assert!((bottom - 60.0).abs() < 0.05, "{bottom}");
        let [_, right, _, bottom] = bounds("H", 32.0, true);
        assert!((right - 20.0).abs() < 0.05, "{right}");
        assert!((bottom - 60.0 + 168.0 / 2048.0 * 32.0).abs() < 0.05, "{bottom}");
    }
}
