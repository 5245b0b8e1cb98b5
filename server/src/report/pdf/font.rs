//! A typeface in a PDF: only the signs that occur are embedded, and each can be copied and searched as text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use subsetter::GlyphRemapper;
use ttf_parser::Face;

/// Stands for what the typeface has no sign for, such as a pictogram in a name.
const UNKNOWN_SIGN: char = '□';

/// What stands for signs that the typeface lacks, where there are words for them.
const WORDS: [(char, &str); 1] = [('₽', "руб.")];

/// A typeface, and which of its signs occur.
pub(super) struct Font {
    data: &'static [u8],
    face: Face<'static>,
    name: &'static str,
    used: GlyphRemapper,
    /// Each used sign under its new number, with the character it shows.
    shown: BTreeMap<u16, char>,
}

impl Font {
    /// Reads a typeface.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn new(name: &'static str, data: &'static [u8]) -> Result<Self> {
        let face = Face::parse(data, 0).with_context(|| format!("the typeface {name}"))?;
        Ok(Self { data, face, name, used: GlyphRemapper::new(), shown: BTreeMap::new() })
    }

    /// Returns the text with words in place of signs that the typeface lacks.
    fn spelt<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let lacks = |sign: char| text.contains(sign) && self.face.glyph_index(sign).is_none();
        let mut out = Cow::Borrowed(text);
        for (sign, words) in WORDS.iter().filter(|(sign, _)| lacks(*sign)) {
            out = Cow::Owned(out.replace(*sign, words));
        }
        out
    }

    fn glyph(&self, sign: char) -> ttf_parser::GlyphId {
        let known = |sign| self.face.glyph_index(sign);
        known(sign).or_else(|| known(UNKNOWN_SIGN)).unwrap_or(ttf_parser::GlyphId(0))
    }

    /// Returns a number of the typeface in thousandths of the size.
    fn thousandths(&self, units: f32) -> f32 {
        units * 1_000.0 / f32::from(self.face.units_per_em()).max(1.0)
    }

    fn advance(&self, glyph: ttf_parser::GlyphId) -> f32 {
        self.thousandths(f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)))
    }

    /// Returns how wide a line of text is, in points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.spelt(text).chars().map(|sign| self.advance(self.glyph(sign))).sum::<f32>() * size / 1_000.0
    }

    /// Returns a line of text as the numbers of its signs, and remembers them.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() * 2);
        for sign in self.spelt(text).chars() {
            let number = self.used.remap(self.glyph(sign).0);
            self.shown.entry(number).or_insert(sign);
            out.extend(number.to_be_bytes());
        }
        out
    }

    /// Writes the typeface under five references, the first of which names it.
    ///
    /// # Errors
    /// When it cannot be cut down.
    pub(super) fn write(&self, pdf: &mut Pdf, refs: [Ref; 5]) -> Result<()> {
        let [font, cid, descriptor, map, file] = refs;
        let name = format!("GRADUS+{}", self.name);
        let system = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        pdf.type0_font(font)
            .base_font(Name(name.as_bytes()))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        let mut body = pdf.cid_font(cid);
        body.subtype(CidFontType::Type2)
            .base_font(Name(name.as_bytes()))
            .system_info(system)
            .font_descriptor(descriptor)
            .default_width(0.0)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = self.used.remapped_gids().map(|old| self.advance(ttf_parser::GlyphId(old)));
        body.widths().consecutive(0, widths);
        body.finish();
        self.describe(pdf, name.as_bytes(), descriptor, file);
        let mut unicode = UnicodeCmap::new(Name(b"Gradus"), system);
        for (number, sign) in &self.shown {
            unicode.pair(*number, *sign);
        }
        pdf.cmap(map, &unicode.finish());
        let cut = subsetter::subset(self.data, 0, &self.used).context("the typeface cannot be cut down")?;
        let packed = super::packed(&cut)?;
        let mut stream = pdf.stream(file, &packed);
        stream.filter(Filter::FlateDecode);
        stream.pair(Name(b"Length1"), i32::try_from(cut.len()).unwrap_or(i32::MAX));
        Ok(())
    }

    fn describe(&self, pdf: &mut Pdf, name: &[u8], descriptor: Ref, file: Ref) {
        let bounds = self.face.global_bounding_box();
        let at = |units: i16| self.thousandths(f32::from(units));
        let bounds = Rect::new(at(bounds.x_min), at(bounds.y_min), at(bounds.x_max), at(bounds.y_max));
        let cap = self.face.capital_height().unwrap_or_else(|| self.face.ascender());
        pdf.font_descriptor(descriptor)
            .name(Name(name))
            .flags(FontFlags::SYMBOLIC)
            .bbox(bounds)
            .italic_angle(0.0)
            .ascent(at(self.face.ascender()))
            .descent(at(self.face.descender()))
            .cap_height(at(cap))
            .stem_v(80.0)
            .font_file2(file);
    }
}
