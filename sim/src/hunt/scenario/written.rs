//! A scenario as it is written. Every value keeps its place, for the words of an error.

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::lives::FaultKind;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) about: String,
    #[serde(deserialize_with = "seed")]
    pub(super) seed: Spanned<u64>,
    pub(super) shop: WrittenShop,
    #[serde(default)]
    pub(super) cut: Vec<Spanned<WrittenCut>>,
    #[serde(default)]
    pub(super) fault: Vec<WrittenFault>,
}

fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spanned<u64>, D::Error> {
    let wrong = |_| {
        serde::de::Error::custom("the seed must be a whole number from 0 to 9223372036854775807")
    };
    Spanned::deserialize(deserializer).map_err(wrong)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenShop {
    pub(super) shoppers: Spanned<u32>,
    pub(super) open_for: Spanned<String>,
    pub(super) rush_at: Option<Spanned<f64>>,
    #[serde(default = "everybody")]
    pub(super) fills_percent: Spanned<u32>,
    #[serde(default = "nothing")]
    pub(super) abandons_percent: Spanned<u32>,
    #[serde(default = "think_max")]
    pub(super) think_max: Spanned<String>,
    #[serde(default = "products")]
    pub(super) products: Spanned<u32>,
    #[serde(default = "nothing")]
    pub(super) hot_percent: Spanned<u32>,
    #[serde(default = "stock_units")]
    pub(super) stock_units: Spanned<u32>,
    #[serde(default = "line_units_max")]
    pub(super) line_units_max: Spanned<u32>,
    pub(super) delivery_every: Option<Spanned<String>>,
    pub(super) price_change_every: Option<Spanned<String>>,
    #[serde(default = "quote_lifetime")]
    pub(super) quote_lifetime: Spanned<String>,
    #[serde(default = "change_for")]
    pub(super) change_for: Spanned<String>,
    #[serde(default = "follow_up_after")]
    pub(super) follow_up_after: Spanned<String>,
    #[serde(default = "lead_time")]
    pub(super) lead_time: Spanned<String>,
    #[serde(default = "snapshot_every")]
    pub(super) snapshot_every: Spanned<u64>,
    #[serde(default = "shards")]
    pub(super) shards: Spanned<usize>,
    #[serde(default = "many")]
    pub(super) entities_max: Spanned<usize>,
    #[serde(default = "mailbox_max")]
    pub(super) mailbox_max: Spanned<usize>,
    #[serde(default = "tail_records_max")]
    pub(super) tail_records_max: Spanned<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCut {
    pub(super) after: Option<Spanned<String>>,
    pub(super) operation: Option<Spanned<u64>>,
    pub(super) moment: Option<Spanned<u64>>,
    pub(super) leaves: Option<String>,
    pub(super) dark_for: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFault {
    pub(super) kind: FaultKind,
    pub(super) rate: Spanned<f64>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) until: Option<Spanned<String>>,
}

macro_rules! defaults {
    ($($name:ident: $type:ty = $value:expr;)+) => {$(
        fn $name() -> Spanned<$type> {
            Spanned::new(0..0, $value)
        }
    )+};
}

defaults! {
    think_max: String = "30s".into();
    products: u32 = 12;
    nothing: u32 = 0;
    everybody: u32 = 100;
    stock_units: u32 = 60;
    line_units_max: u32 = 3;
    quote_lifetime: String = "2m".into();
    change_for: String = "30s".into();
    follow_up_after: String = "10m".into();
    lead_time: String = "10m".into();
    snapshot_every: u64 = 16;
    shards: usize = 4;
    many: usize = 10_000;
    mailbox_max: usize = 1_024;
    tail_records_max: u64 = 10_000;
}
