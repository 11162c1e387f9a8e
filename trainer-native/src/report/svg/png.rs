//! Renders a sheet as PNG, for places that do not show SVG.
//!
//! The font is Ubuntu Light, compiled in, so that every machine renders the same picture without
//! installed fonts; characters that it lacks are taken from Hack.

use epaint_default_fonts::{HACK_REGULAR, UBUNTU_LIGHT};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::report_error::ReportError;

/// Pixels of the picture for one pixel of the drawing.
pub const SCALE: f32 = 2.0;

/// Renders a stand-alone drawing at [`SCALE`] times its size.
///
/// # Errors
/// [`ReportError::BadDrawing`] for text that is not SVG, or a size that a picture cannot have.
pub fn png(svg: &str) -> Result<Vec<u8>, ReportError> {
    let fault = |detail: String| ReportError::BadDrawing { detail };
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(UBUNTU_LIGHT.to_vec());
    let family = fonts.faces().find_map(|face| face.families.first().map(|f| f.0.clone()));
    if let Some(family) = family {
        fonts.set_sans_serif_family(family);
    }
    fonts.load_font_data(HACK_REGULAR.to_vec());
    let tree = Tree::from_str(svg, &options).map_err(|e| fault(e.to_string()))?;
    let (width, height) = (tree.size().width() * SCALE, tree.size().height() * SCALE);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let pixmap = Pixmap::new(width.ceil() as u32, height.ceil() as u32);
    let mut pixmap = pixmap.ok_or_else(|| fault(format!("{width} x {height} pixels")))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|e| fault(e.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::sheet::tests::example;
    use super::*;

    fn picture(svg: &str) -> Pixmap {
        Pixmap::decode_png(&png(svg).unwrap()).unwrap()
    }

    #[test]
    fn a_picture_is_twice_the_drawing_and_not_blank() {
        let svg = example(2).svg("s");
        let drawn = picture(&svg);
        let (_, rest) = svg.split_once("viewBox=\"0 0 ").unwrap();
        let (size, _) = rest.split_once('"').unwrap();
        assert_eq!(format!("{} {}", drawn.width() / 2, drawn.height() / 2), size);
        let is = |colour: [u8; 4]| {
            drawn.data().as_chunks::<4>().0.iter().filter(|pixel| **pixel == colour).count()
        };
        // The page, the first and the second series.
        assert!(is([255, 255, 255, 255]) > 10_000);
        assert!(is([0x00, 0x65, 0xa3, 255]) > 200 && is([0xc0, 0x4e, 0x00, 255]) > 200);
    }

    #[test]
    fn its_labels_have_letters() {
        let mut sheet = example(1);
        let dark = |sheet: &super::super::sheet::Sheet| {
            let drawn = picture(&sheet.svg("s"));
            drawn.pixels().iter().filter(|pixel| pixel.red() < 0x70).count()
        };
        let with = dark(&sheet);
        sheet.panels[0].heading = " ".into();
        assert!(with > dark(&sheet) + 50);
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        assert_eq!(png("<p>no</p>").unwrap_err().code(), "bad_drawing");
        assert_eq!(png("").unwrap_err().code(), "bad_drawing");
    }
}
