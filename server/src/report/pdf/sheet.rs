//! Sheets of A4 that are filled from top to bottom: text, lines, bars, links. It knows nothing of reports.

use anyhow::Result;
use pdf_writer::types::{ActionType, AnnotationType};
use pdf_writer::{Content, Date, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::font::Font;

/// Width of a sheet, in points.
pub(super) const WIDTH: f32 = 595.0;
/// Height of a sheet, in points.
pub(super) const HEIGHT: f32 = 842.0;
/// What stays empty at each side, in points.
pub(super) const MARGIN: f32 = 40.0;

/// A colour: red, green, blue, each 0 to 1.
pub(super) type Colour = [f32; 3];
/// Of what is read.
pub(super) const INK: Colour = [0.11, 0.14, 0.19];
/// Of what stands beside it.
pub(super) const SOFT: Colour = [0.35, 0.39, 0.44];
/// Of lines.
pub(super) const LINE: Colour = [0.85, 0.87, 0.9];
/// Of what should be seen first.
pub(super) const LOUD: Colour = [0.72, 0.19, 0.13];

/// One of the two typefaces.
#[derive(Clone, Copy)]
pub(super) enum Weight {
    Plain,
    Bold,
}

/// How a line of text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) weight: Weight,
    /// In points.
    pub(super) size: f32,
    pub(super) colour: Colour,
}

struct Sheet {
    content: Content,
    links: Vec<(Rect, String)>,
}

/// A document that grows by sheets.
pub(super) struct Document {
    plain: Font,
    bold: Font,
    sheets: Vec<Sheet>,
    /// How far down the last sheet is filled, in points from its top.
    pub(super) at: f32,
}

impl Document {
    /// Makes a document with one empty sheet.
    ///
    /// # Errors
    /// When a typeface cannot be read.
    pub(super) fn new() -> Result<Self> {
        let plain = Font::new("NotoSans", notosans::REGULAR_TTF)?;
        let bold = Font::new("NotoSans-Bold", notosans::BOLD_TTF)?;
        let mut document = Self { plain, bold, sheets: Vec::new(), at: 0.0 };
        document.turn();
        Ok(document)
    }

    /// Begins a new sheet.
    pub(super) fn turn(&mut self) {
        self.sheets.push(Sheet { content: Content::new(), links: Vec::new() });
        self.at = MARGIN;
    }

    /// Begins a new sheet where so much does not fit any more; says whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let turns = self.at + height > HEIGHT - MARGIN - 16.0;
        if turns {
            self.turn();
        }
        turns
    }

    /// Returns how wide a line of text is, in points.
    pub(super) fn width(&self, how: Type, text: &str) -> f32 {
        match how.weight {
            Weight::Plain => self.plain.width(text, how.size),
            Weight::Bold => self.bold.width(text, how.size),
        }
    }

    /// Breaks a text into lines no wider than `width`, at most `most`; what does not fit ends in an ellipsis.
    pub(super) fn lines(&self, how: Type, text: &str, width: f32, most: usize) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let last = lines.last().cloned().unwrap_or_default();
            let joined = if last.is_empty() { word.to_owned() } else { format!("{last} {word}") };
            if self.width(how, &joined) <= width {
                lines.pop();
                lines.push(joined);
                continue;
            }
            if last.is_empty() {
                lines.pop();
            }
            let mut part = String::new();
            for sign in word.chars() {
                if self.width(how, &format!("{part}{sign}")) > width {
                    lines.push(std::mem::take(&mut part));
                }
                part.push(sign);
            }
            lines.push(part);
        }
        if lines.len() > most {
            lines.truncate(most);
            let mut last = lines.pop().unwrap_or_default();
            while !last.is_empty() && self.width(how, &format!("{last}…")) > width {
                last.pop();
            }
            lines.push(format!("{}…", last.trim_end()));
        }
        lines
    }

    /// Writes one line of text, its left end at `x` and its foot `at` points below the top of the sheet.
    pub(super) fn text(&mut self, how: Type, x: f32, at: f32, text: &str) {
        let (name, signs) = match how.weight {
            Weight::Plain => (Name(b"F1"), self.plain.encode(text)),
            Weight::Bold => (Name(b"F2"), self.bold.encode(text)),
        };
        let Some(sheet) = self.sheets.last_mut() else { return };
        let [red, green, blue] = how.colour;
        sheet.content.set_fill_rgb(red, green, blue);
        sheet
            .content
            .begin_text()
            .set_font(name, how.size)
            .next_line(x, HEIGHT - at)
            .show(Str(&signs))
            .end_text();
    }

    /// Writes one line of text whose right end is at `x`.
    pub(super) fn text_to(&mut self, how: Type, x: f32, at: f32, text: &str) {
        self.text(how, x - self.width(how, text), at, text);
    }

    /// Fills a rectangle; `at` is its upper edge.
    pub(super) fn fill(&mut self, colour: Colour, x: f32, at: f32, (width, height): (f32, f32)) {
        let Some(sheet) = self.sheets.last_mut() else { return };
        let [red, green, blue] = colour;
        sheet.content.set_fill_rgb(red, green, blue);
        sheet.content.rect(x, HEIGHT - at - height, width, height).fill_nonzero();
    }

    /// Makes a rectangle lead somewhere; `at` is its upper edge.
    pub(super) fn link(&mut self, x: f32, at: f32, (width, height): (f32, f32), address: String) {
        let Some(sheet) = self.sheets.last_mut() else { return };
        let rect = Rect::new(x, HEIGHT - at - height, x + width, HEIGHT - at);
        sheet.links.push((rect, address));
    }

    /// Returns the bytes of the document. `foot` gives what stands at the foot of a sheet by its number and how many
    /// there are.
    ///
    /// # Errors
    /// When a typeface cannot be embedded.
    pub(super) fn finish(
        mut self,
        about: &About<'_>,
        foot: impl Fn(usize, usize) -> String,
    ) -> Result<Vec<u8>> {
        let small = Type { weight: Weight::Plain, size: 8.0, colour: SOFT };
        let sheets = std::mem::take(&mut self.sheets);
        let count = sheets.len();
        let mut pdf = Pdf::new();
        let mut next = 0;
        let mut new = || {
            next += 1;
            Ref::new(next)
        };
        let (catalog, tree, info) = (new(), new(), new());
        let fonts = [std::array::from_fn(|_| new()), std::array::from_fn(|_| new())];
        let pages: Vec<Ref> = sheets.iter().map(|_| new()).collect();
        pdf.catalog(catalog).pages(tree).lang(TextStr(about.language));
        pdf.pages(tree).kids(pages.iter().copied()).count(i32::try_from(count).unwrap_or(0));
        pdf.document_info(info)
            .title(TextStr(about.title))
            .creator(TextStr("Gradus"))
            .creation_date(about.date);
        for ((number, sheet), page) in (1..).zip(sheets).zip(&pages) {
            self.sheets.push(sheet);
            self.text_to(small, WIDTH - MARGIN, HEIGHT - MARGIN / 2.0, &foot(number, count));
            let Some(sheet) = self.sheets.pop() else { continue };
            let content = new();
            let links: Vec<(Ref, (Rect, String))> =
                sheet.links.into_iter().map(|link| (new(), link)).collect();
            let mut body = pdf.page(*page);
            body.parent(tree).media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).contents(content);
            body.annotations(links.iter().map(|(link, _)| *link));
            body.resources().fonts().pair(Name(b"F1"), fonts[0][0]).pair(Name(b"F2"), fonts[1][0]);
            body.finish();
            pdf.stream(content, &super::packed(&sheet.content.finish())?).filter(Filter::FlateDecode);
            for (link, (rect, address)) in links {
                let mut link = pdf.annotation(link);
                link.subtype(AnnotationType::Link).rect(rect).border(0.0, 0.0, 0.0, None);
                link.action().action_type(ActionType::Uri).uri(Str(address.as_bytes()));
            }
        }
        self.plain.write(&mut pdf, fonts[0])?;
        self.bold.write(&mut pdf, fonts[1])?;
        Ok(pdf.finish())
    }
}

/// What a document says of itself.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    /// Such as `ru`.
    pub(super) language: &'a str,
    pub(super) date: Date,
}
