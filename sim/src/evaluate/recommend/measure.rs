//! One set, all contenders.

use std::collections::BTreeMap;
use std::time::Duration;

use mercato_actors::runtime::codec;
use mercato_actors::{NextItem, SessionNumber, Sku};

use super::SetReport;
use super::files::{Question, Set};

/// How many products are named.
const NAMED: usize = 20;

pub(super) const OURS: &str = "Mercato";
pub(super) const LEARNING: &str = "Mercato, learning the test as it goes";

/// How well one contender did, and how fast.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// How many clicks were asked for.
    pub questions: usize,
    /// The share of them that was among the twenty.
    pub hit_rate: f64,
    /// The mean of one part in its place; nothing beyond the twentieth.
    pub mrr: f64,
    /// The mean of `1 / log2(place + 1)`.
    pub ndcg: f64,
    /// The time of one answer: median and 99th percentile.
    pub latency: (Duration, Duration),
    /// Answers in a second, one after another.
    pub per_second: f64,
}

/// Adds up answers.
struct Tally {
    hits: f64,
    reciprocal: f64,
    gain: f64,
    questions: usize,
    times: Times,
    took: Duration,
}

impl Tally {
    fn new() -> Self {
        Self {
            hits: 0.0,
            reciprocal: 0.0,
            gain: 0.0,
            questions: 0,
            times: Times::default(),
            took: Duration::ZERO,
        }
    }

    fn add(&mut self, place: Option<usize>, took: Duration) {
        self.questions += 1;
        self.took += took;
        self.times.add(took);
        if let Some(place) = place.and_then(|place| u32::try_from(place).ok()) {
            self.hits += 1.0;
            self.reciprocal += 1.0 / f64::from(place + 1);
            self.gain += 1.0 / f64::from(place + 2).log2();
        }
    }

    fn measured(&self) -> Measured {
        let questions = self.questions.max(1) as f64;
        Measured {
            questions: self.questions,
            hit_rate: self.hits / questions,
            mrr: self.reciprocal / questions,
            ndcg: self.gain / questions,
            latency: (self.times.at(50), self.times.at(99)),
            per_second: questions / self.took.as_secs_f64().max(f64::MIN_POSITIVE),
        }
    }
}

pub(super) fn measure(set: &Set, elapsed: &dyn Fn() -> Duration) -> SetReport {
    let mut model = NextItem::default();
    let mut learning = Times::default();
    let began = elapsed();
    for session in &set.train {
        let mut number = None;
        for sku in session {
            number = Some(timed(&mut learning, elapsed, || model.learn(number, sku)));
        }
    }
    let took = elapsed().saturating_sub(began);
    let size = model.size();
    let stored = codec::encoded_bytes(&model).unwrap_or_default();
    let contenders = vec![
        ("what is clicked most", popular(set, elapsed)),
        ("the session's own, newest first", own(set, elapsed)),
        (OURS, ours(set, &model, elapsed)),
        (LEARNING, learning_as_it_goes(set, &mut model, elapsed)),
    ];
    SetReport {
        name: set.name.clone(),
        learned: (size.sessions, size.clicks, size.items),
        learning: (took, learning.at(99)),
        bytes: (size.bytes, stored),
        contenders,
    }
}

fn popular(set: &Set, elapsed: &dyn Fn() -> Duration) -> Measured {
    let mut clicks: BTreeMap<&Sku, u64> = BTreeMap::new();
    for sku in set.train.iter().flatten() {
        *clicks.entry(sku).or_default() += 1;
    }
    let mut most: Vec<(&Sku, u64)> = clicks.into_iter().collect();
    most.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    most.truncate(NAMED);
    ask(set, elapsed, |_| most.iter().map(|(sku, _)| *sku).collect())
}

fn own(set: &Set, elapsed: &dyn Fn() -> Duration) -> Measured {
    ask(set, elapsed, |question| {
        let mut named: Vec<&Sku> = Vec::with_capacity(NAMED);
        for sku in question.prefix.iter().rev() {
            if named.len() < NAMED && !named.contains(&sku) {
                named.push(sku);
            }
        }
        named
    })
}

fn ours(set: &Set, model: &NextItem, elapsed: &dyn Fn() -> Duration) -> Measured {
    ask(set, elapsed, |question| predict(model, question, None))
}

/// As a shop does it: each click of the test is predicted first, and then learned, so that the next
/// one is predicted with it.
fn learning_as_it_goes(
    set: &Set,
    model: &mut NextItem,
    elapsed: &dyn Fn() -> Duration,
) -> Measured {
    let mut tally = Tally::new();
    for mut session in visits(&set.test) {
        session.sort_by_key(|question| question.prefix.len());
        let mut number = None;
        if let Some(first) = session.first() {
            for sku in &first.prefix {
                number = Some(model.learn(number, sku));
            }
        }
        for question in session {
            let began = elapsed();
            let named = predict(model, question, number);
            let took = elapsed().saturating_sub(began);
            tally.add(place(&named, &question.next), took);
            number = Some(model.learn(number, &question.next));
        }
    }
    tally.measured()
}

/// The questions of each session: those whose clicks continue each other stand together.
fn visits(questions: &[Question]) -> Vec<Vec<&Question>> {
    let mut visits: Vec<Vec<&Question>> = Vec::new();
    for question in questions {
        let continued = visits
            .last()
            .and_then(|visit| visit.last())
            .is_some_and(|other| {
                let (short, long) = if other.prefix.len() < question.prefix.len() {
                    (*other, question)
                } else {
                    (question, *other)
                };
                long.prefix.len() == short.prefix.len() + 1
                    && long.prefix.starts_with(&short.prefix)
                    && long.prefix.last() == Some(&short.next)
            });
        match visits.last_mut().filter(|_| continued) {
            Some(visit) => visit.push(question),
            None => visits.push(vec![question]),
        }
    }
    visits
}

fn predict<'a>(
    model: &'a NextItem,
    question: &'a Question,
    own: Option<SessionNumber>,
) -> Vec<&'a Sku> {
    let newest_first = question.prefix.iter().rev();
    let named = model.next(newest_first, own, NAMED).into_iter();
    named.map(|(sku, _)| sku).collect()
}

fn ask<'a>(
    set: &'a Set,
    elapsed: &dyn Fn() -> Duration,
    answer: impl Fn(&'a Question) -> Vec<&'a Sku>,
) -> Measured {
    let mut tally = Tally::new();
    for question in &set.test {
        let began = elapsed();
        let named = answer(question);
        let took = elapsed().saturating_sub(began);
        tally.add(place(&named, &question.next), took);
    }
    tally.measured()
}

fn place(named: &[&Sku], next: &Sku) -> Option<usize> {
    named.iter().take(NAMED).position(|sku| *sku == next)
}

fn timed<T>(times: &mut Times, elapsed: &dyn Fn() -> Duration, work: impl FnOnce() -> T) -> T {
    let began = elapsed();
    let done = work();
    times.add(elapsed().saturating_sub(began));
    done
}

/// Times by their length: as many as a set has clicks.
#[derive(Debug, Default)]
struct Times(Vec<Duration>);

impl Times {
    fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time that so many percent do not exceed.
    fn at(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sku(number: usize) -> Sku {
        Sku::new(format!("p{number}")).expect("a sku")
    }

    /// Shoppers who walk in circles of four products: after each comes the next one.
    fn circles() -> Set {
        let walk = |circle: usize, from: usize, clicks: usize| -> Vec<Sku> {
            (from..from + clicks)
                .map(|step| sku(4 * circle + step % 4))
                .collect()
        };
        let train = (0..400).map(|n| walk(n % 10, n % 4, 3)).collect();
        let test = (0..40).flat_map(|n| {
            let walk = walk(n % 10, (n + 1) % 4, 4);
            let questions: Vec<Question> = (1..4)
                .rev()
                .map(|length| Question {
                    prefix: walk[..length].to_vec(),
                    next: walk[length].clone(),
                })
                .collect();
            questions
        });
        Set {
            name: "circles".to_owned(),
            train,
            test: test.collect(),
        }
    }

    /// Catches: a measure that is not one (a place that begins at 0, a mean over hits alone), a test
    /// that is learned before it is asked, and a contender that is shown the answer.
    #[test]
    fn what_follows_a_rule_is_predicted_and_what_does_not_is_not() {
        let report = measure(&circles(), &|| Duration::ZERO);
        let ours = report.ours().expect("ours");
        assert_eq!(ours.questions, 120);
        assert!(ours.hit_rate > 0.99 && ours.mrr > 0.9, "{ours:?}");
        assert!(ours.mrr <= ours.ndcg && ours.ndcg <= ours.hit_rate);
        let (_, popular) = &report.contenders[0];
        assert!(popular.hit_rate < 0.7 && popular.mrr < 0.2, "{popular:?}");
        let (_, own) = &report.contenders[1];
        assert!(
            own.hit_rate < 1e-9,
            "no product of a walk comes again: {own:?}"
        );
        assert_eq!(report.learned, (400, 1_200, 40));
    }

    /// Catches: a place that counts from 0, and one beyond the twentieth.
    #[test]
    fn measures_are_those_of_their_definitions() {
        let mut tally = Tally::new();
        tally.add(Some(0), Duration::from_micros(10));
        tally.add(Some(2), Duration::from_micros(10));
        tally.add(None, Duration::from_micros(10));
        let measured = tally.measured();
        assert!((measured.hit_rate - 2.0 / 3.0).abs() < 1e-12);
        assert!((measured.mrr - (1.0 + 1.0 / 3.0) / 3.0).abs() < 1e-12);
        assert!((measured.ndcg - 1.5 / 3.0).abs() < 1e-12);
        assert!((measured.per_second - 100_000.0).abs() < 1.0);
    }

    /// Catches: sessions of the test that are learned as one, or as many.
    #[test]
    fn questions_that_continue_each_other_are_of_one_session() {
        let set = circles();
        let visits = visits(&set.test);
        assert_eq!(visits.len(), 40);
        assert!(visits.iter().all(|visit| visit.len() == 3));
    }
}
