//! Elements, attributes and text of an HTML page. Owns its well-formedness: an element that was opened is closed, and
//! whatever is not a name of ours is escaped.

use crate::report::{
    escape,
    out::{Color, Out},
};

/// Attributes: a name of ours, and a value of any origin.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A page in the making.
pub(super) struct Page {
    out: Out,
}

impl Page {
    pub(super) fn new() -> Self {
        let mut page = Self { out: Out::new(escape::html, Color::Off) };
        page.out.markup("<!DOCTYPE html>\n");
        page
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    /// An element with what is in it.
    pub(super) fn within(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        content: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.opening(tag, attributes);
        self.out.markup(">");
        content(self);
        self.out.markup("</").markup(tag).markup(">");
        if is_block(tag) {
            self.out.markup("\n");
        }
        self
    }

    /// An element of a class with what is in it.
    pub(super) fn classed(
        &mut self,
        tag: &'static str,
        class: &'static str,
        content: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.within(tag, &[("class", class)], content)
    }

    /// An element with text in it.
    pub(super) fn element(&mut self, tag: &'static str, text: &str) -> &mut Self {
        self.within(tag, &[], |page| {
            page.text(text);
        })
    }

    /// An element of a class with text in it.
    pub(super) fn labelled(&mut self, tag: &'static str, class: &'static str, text: &str) -> &mut Self {
        self.classed(tag, class, |page| {
            page.text(text);
        })
    }

    /// An element that holds nothing.
    pub(super) fn empty(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.opening(tag, attributes);
        self.out.markup("/>");
        self
    }

    /// Text of any origin.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.out.text(text);
        self
    }

    /// The style sheet: the one text of ours that is not escaped, since a browser would not read it otherwise.
    pub(super) fn style(&mut self, sheet: &'static str) -> &mut Self {
        self.out.markup("<style>").markup(sheet).markup("</style>\n");
        self
    }

    fn opening(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.out.markup("<").markup(tag);
        for (name, value) in attributes {
            self.out.markup(" ").markup(name).markup("=\"").text(value).markup("\"");
        }
    }
}

/// What gets a line of its own in the source, so that two reports can be compared line by line.
fn is_block(tag: &str) -> bool {
    matches!(
        tag,
        "p" | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "li"
            | "ol"
            | "ul"
            | "tr"
            | "table"
            | "thead"
            | "tbody"
            | "section"
            | "article"
            | "div"
            | "dd"
            | "pre"
            | "svg"
            | "figure"
            | "header"
            | "footer"
            | "main"
            | "nav"
            | "details"
            | "summary"
            | "title"
            | "head"
            | "body"
            | "html"
            | "caption"
            | "figcaption"
            | "aside"
    )
}
