//! CDNOW: everybody who first bought at a shop of CDs in the first quarter of 1997, and all that they
//! bought until the end of June 1998 (Fader and Hardie 2001).
//!
//! Segments are worth their name where they say what comes: customers are put into them by what they
//! bought in the first 39 weeks, and in the 39 weeks after it is counted who bought again.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use mercato_actors::runtime::Timestamp;
use mercato_actors::{Currency, CustomerSegment, Money, Purchases, Quintiles};

use super::CampaignBenchError;
use super::replay::{number, problem, text};

const WEEKS: i64 = 39;

/// One segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRow {
    /// Which.
    pub segment: CustomerSegment,
    /// How many customers it has.
    pub people: u32,
    /// The share that bought again.
    pub again: f64,
    /// What each of them spent again, on the average, in dollars.
    pub spent: f64,
}

/// What came of the segments.
#[derive(Debug, Clone, PartialEq)]
pub struct CdnowReplay {
    /// How many customers there are.
    pub people: u32,
    /// The share of all of them that bought again.
    pub again: f64,
    /// The segments, the best first.
    pub segments: Vec<SegmentRow>,
    /// The share that bought again by each score, 1 to 5: of recency, of frequency, of money.
    pub by_score: [[f64; 5]; 3],
}

pub(super) fn replay(path: &Path) -> Result<CdnowReplay, CampaignBenchError> {
    let mut bought: BTreeMap<u32, Vec<(Date, i64)>> = BTreeMap::new();
    for (row, line) in text(path)?.lines().enumerate().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [customer, date, _, dollars] = fields[..] else {
            if fields.is_empty() {
                continue;
            }
            return Err(problem(
                path,
                &format!("line {} has not four fields", row + 1),
            ));
        };
        let date = Date::strptime("%Y%m%d", date);
        let date = date.map_err(|_| problem(path, &format!("line {} has no date", row + 1)))?;
        let dollars: f64 = number(path, row, dollars)?;
        #[allow(clippy::cast_possible_truncation)] // it saturates
        let cents = (dollars * 100.0).round() as i64;
        let customer = number(path, row, customer)?;
        bought.entry(customer).or_default().push((date, cents));
    }
    let first = bought.values().flatten().map(|(date, _)| *date).min();
    let first = first.ok_or_else(|| problem(path, &"has no purchases"))?;
    let split = first.saturating_add(jiff::Span::new().weeks(WEEKS));
    let end = split.saturating_add(jiff::Span::new().weeks(WEEKS));
    let known: Vec<(Purchases, f64)> = bought
        .into_values()
        .filter_map(|list| {
            let before = list.iter().filter(|(date, _)| *date < split);
            let after = list.iter().filter(|(date, _)| (split..end).contains(date));
            let last = before.clone().map(|(date, _)| *date).max()?;
            let spent: i64 = before.clone().map(|(_, cents)| cents).sum();
            let purchases = Purchases {
                orders: u32::try_from(before.count()).unwrap_or(u32::MAX),
                spent: Money::new(spent, Currency::USD),
                last_at: midnight(last),
            };
            let again: i64 = after.clone().map(|(_, cents)| cents).sum();
            #[allow(clippy::cast_precision_loss)] // cents
            let again = match after.count() {
                0 => -1.0,
                _ => again as f64 / 100.0,
            };
            Some((purchases, again))
        })
        .collect();
    let customers: Vec<Purchases> = known.iter().map(|(purchases, _)| *purchases).collect();
    let quintiles = Quintiles::of(&customers);
    let quintiles = quintiles.ok_or_else(|| problem(path, &"has no purchases"))?;
    Ok(tell(&quintiles, &known))
}

fn midnight(date: Date) -> Timestamp {
    let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let millis = zoned.map(|zoned| zoned.timestamp().as_millisecond());
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}

/// How many, how many of them bought again, and for how much.
#[derive(Default, Clone, Copy)]
struct Sum {
    people: u32,
    again: u32,
    spent: f64,
}

impl Sum {
    fn add(&mut self, again: f64) {
        self.people += 1;
        if again >= 0.0 {
            self.again += 1;
            self.spent += again;
        }
    }

    fn rate(self) -> f64 {
        f64::from(self.again) / f64::from(self.people.max(1))
    }
}

fn tell(quintiles: &Quintiles, known: &[(Purchases, f64)]) -> CdnowReplay {
    let mut segments: BTreeMap<CustomerSegment, Sum> = BTreeMap::new();
    let mut scores = [[Sum::default(); 5]; 3];
    let mut all = Sum::default();
    for (purchases, again) in known {
        let score = quintiles.score(purchases);
        all.add(*again);
        segments
            .entry(score.segment(purchases.orders))
            .or_default()
            .add(*again);
        let each = [score.recency, score.frequency, score.monetary];
        for (sums, score) in scores.iter_mut().zip(each) {
            if let Some(sum) = sums.get_mut(usize::from(score).saturating_sub(1)) {
                sum.add(*again);
            }
        }
    }
    let mut segments: Vec<SegmentRow> = segments
        .into_iter()
        .map(|(segment, sum)| SegmentRow {
            segment,
            people: sum.people,
            again: sum.rate(),
            spent: sum.spent / f64::from(sum.people.max(1)),
        })
        .collect();
    segments.sort_by(|a, b| b.again.total_cmp(&a.again));
    CdnowReplay {
        people: all.people,
        again: all.rate(),
        segments,
        by_score: scores.map(|sums| sums.map(Sum::rate)),
    }
}
