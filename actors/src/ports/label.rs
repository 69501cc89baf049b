//! The label of a parcel, as a printer takes it (ZPL) and as a screen shows it (SVG).
//!
//! Both hold a person's address. They are made where they are printed or shown, and kept nowhere.

use std::fmt::Write;

use barcoders::sym::code128::Code128;

use super::carrier::Consignment;
use super::tracking::TrackingNumber;
use crate::domain::Address;

/// Everything that stands on the label of a parcel.
///
/// ```
/// use mercato_actors::{Address, Consignment, Jurisdiction, OrderId, ShippingLabel, TrackingNumber};
///
/// let label = ShippingLabel {
///     tracking: TrackingNumber::new("RR473124829GB")?,
///     parcel: Consignment { order: OrderId::new("o-1")?, parcel: 1, grams: 1_250 },
///     from: "Mercato, 1 Dock Road, Hull HU1".into(),
///     to: Address::new("Ada", "1 Lane", "London", "N1", Jurisdiction::GB)?,
/// };
/// assert!(label.zpl().contains("^FDRR473124829GB^FS"));
/// assert!(label.svg()?.starts_with("<svg"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ShippingLabel {
    /// The carrier's number, also as a bar code.
    pub tracking: TrackingNumber,
    /// The order, the parcel, its weight.
    pub parcel: Consignment,
    /// Where it comes from, on one line.
    pub from: Box<str>,
    /// Where it goes.
    pub to: Address,
}

impl std::fmt::Debug for ShippingLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShippingLabel({}, redacted)", self.tracking)
    }
}

/// Why a label cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the number cannot be drawn as a bar code: {0}; print the ZPL form instead")]
pub struct LabelError(Box<str>);

/// A label of four by six inches, at the 203 dots an inch of common label printers.
const WIDTH_DOTS: u32 = 812;
const HEIGHT_DOTS: u32 = 1_218;
const MARGIN_DOTS: u32 = 40;
const BAR_DOTS: u32 = 3;
const BAR_HEIGHT_DOTS: u32 = 220;
/// Where the bars begin: below them stands the number in plain text.
const BARS_TOP_DOTS: u32 = 780;

impl ShippingLabel {
    /// The lines of text, each with its height and its place from the top, in dots.
    fn lines(&self) -> Vec<(u32, u32, String)> {
        let Consignment {
            order,
            parcel,
            grams,
        } = &self.parcel;
        let to = &self.to;
        let town = format!("{} {}", to.postal_code(), to.city());
        vec![
            (24, 60, self.from.to_string()),
            (44, 200, to.name().to_owned()),
            (44, 270, to.street().to_owned()),
            (44, 340, town),
            (60, 420, to.jurisdiction().country().as_str().to_owned()),
            (
                30,
                620,
                format!(
                    "order {order}, parcel {parcel}, {}.{:03} kg",
                    grams / 1_000,
                    grams % 1_000
                ),
            ),
        ]
    }

    /// The label in the language of Zebra printers: ZPL II, in UTF-8, with the number as Code 128.
    #[must_use]
    pub fn zpl(&self) -> String {
        let mut zpl = format!("^XA^CI28^PW{WIDTH_DOTS}^LL{HEIGHT_DOTS}\n");
        for (height, top, text) in self.lines() {
            // Nothing that can fail: a String takes whatever is written.
            let _ = writeln!(
                zpl,
                "^FO{MARGIN_DOTS},{top}^A0N,{height},{height}^FH_^FD{}^FS",
                zpl_text(&text)
            );
        }
        let _ = writeln!(
            zpl,
            "^FO{MARGIN_DOTS},{BARS_TOP_DOTS}^BY{BAR_DOTS}^BCN,{BAR_HEIGHT_DOTS},Y,N,N^FD{}^FS\n^XZ",
            self.tracking
        );
        zpl
    }

    /// The label as a drawing.
    ///
    /// # Errors
    /// None for a valid tracking number, which Code 128 can hold.
    pub fn svg(&self) -> Result<String, LabelError> {
        // The library takes the character set, here B, as the first character.
        let code = Code128::new(format!("\u{0181}{}", self.tracking))
            .map_err(|error| LabelError(error.to_string().into()))?;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH_DOTS} {HEIGHT_DOTS}\" \
             font-family=\"sans-serif\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
        );
        for (height, top, text) in self.lines() {
            let _ = write!(
                svg,
                "<text x=\"{MARGIN_DOTS}\" y=\"{}\" font-size=\"{height}\">{}</text>",
                top + height,
                svg_text(&text)
            );
        }
        svg.push_str("<g fill=\"#000\">");
        for (place, bar) in (0u32..).zip(code.encode()) {
            if bar == 1 {
                let left = MARGIN_DOTS + place * BAR_DOTS;
                let _ = write!(
                    svg,
                    "<rect x=\"{left}\" y=\"{BARS_TOP_DOTS}\" width=\"{BAR_DOTS}\" \
                     height=\"{BAR_HEIGHT_DOTS}\"/>"
                );
            }
        }
        let below = BARS_TOP_DOTS + BAR_HEIGHT_DOTS + 40;
        let _ = write!(
            svg,
            "</g><text x=\"{MARGIN_DOTS}\" y=\"{below}\" font-size=\"36\">{}</text></svg>",
            self.tracking
        );
        Ok(svg)
    }
}

/// Text for a ZPL field that begins with `^FH_`: what the printer would take for a command is given
/// as its hexadecimal code.
fn zpl_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '^' | '~' | '_' | '\\' => {
                let _ = write!(escaped, "_{:02X}", u32::from(character));
            }
            control if control.is_control() => escaped.push(' '),
            plain => escaped.push(plain),
        }
    }
    escaped
}

fn svg_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            control if control.is_control() => escaped.push(' '),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Jurisdiction, OrderId};

    fn label(name: &str) -> ShippingLabel {
        ShippingLabel {
            tracking: TrackingNumber::new("RR473124829GB").unwrap(),
            parcel: Consignment {
                order: OrderId::new("o-1").unwrap(),
                parcel: 2,
                grams: 31_050,
            },
            from: "Mercato".into(),
            to: Address::new(name, "1 Lane", "London", "N1", Jurisdiction::GB).unwrap(),
        }
    }

    /// Catches: an address that is taken for commands by the printer, or for markup by the screen.
    #[test]
    fn an_address_is_text_and_nothing_else() {
        let label = label("Eve ^XZ~JR_<script>&");
        let zpl = label.zpl();
        assert_eq!(zpl.matches("^XZ").count(), 1, "{zpl}");
        assert!(zpl.contains("Eve _5EXZ_7EJR_5F<script>&"), "{zpl}");
        let svg = label.svg().unwrap();
        assert!(svg.contains("Eve ^XZ~JR_&lt;script&gt;&amp;"), "{svg}");
    }

    /// Catches: bars of another number, or bars that run off the label.
    #[test]
    fn the_number_is_drawn_in_code_128() {
        let svg = label("Ada").svg().unwrap();
        // Start, thirteen characters and check of eleven modules each, and the stop of thirteen: by
        // the symbology's own tables every character but the stop has three bars.
        let modules = 11 * (1 + 13 + 1) + 13;
        let places: Vec<u32> = svg
            .split("<rect x=\"")
            .skip(1)
            .map(|rect| rect.split('"').next().unwrap().parse().unwrap())
            .collect();
        let first = *places.first().unwrap();
        let last = *places.last().unwrap();
        assert_eq!(first, MARGIN_DOTS);
        assert_eq!(last, MARGIN_DOTS + (modules - 1) * BAR_DOTS);
        assert!(last + BAR_DOTS < WIDTH_DOTS - MARGIN_DOTS);
        // Start B is 11010010000.
        let modules_set: Vec<u32> = places
            .iter()
            .map(|x| (x - MARGIN_DOTS) / BAR_DOTS)
            .collect();
        assert_eq!(modules_set[..5], [0, 1, 3, 6, 11]);
        assert!(svg.contains("31.050 kg") && svg.contains(">RR473124829GB</text>"));
    }
}
