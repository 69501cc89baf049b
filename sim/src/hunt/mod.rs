//! The hunt: worlds drawn from seeds, on all cores, until a law breaks; then the smallest world that
//! still breaks it.

mod draw;
mod id;
mod scenario;
mod shrink;
mod small;
mod swarm;

pub use draw::{Drawn, draw};
pub use id::{WORLD_VERSION, WorldId, WorldIdError};
pub use scenario::{SCENARIOS, Scenario, ScenarioError};
pub use shrink::{Found, shrink};
pub use small::{Crowd, small_world};
pub use swarm::{Broken, Hunt, HuntReport, HuntWatch, hunt};

use crate::error::SimulationError;
use crate::law::Verdict;
use crate::lives::{Tally, WorldHash, WorldOutcome, run_world};
use crate::shop::{Lessons, ShopScene};

/// How many lines of a world's timeline are kept for people.
pub const TIMELINE_LINES: usize = 60;

/// Runs the world of an id.
///
/// # Errors
/// When it could not be run. A broken law, or a panic of the world itself, is a finding.
pub fn run_id(id: &WorldId, options: &HuntOptions) -> Result<WorldOutcome, SimulationError> {
    let drawn = id.draw(options);
    run_drawn(&drawn, &options.lessons).map_err(|error| SimulationError::World {
        world: id.to_string().into(),
        source: Box::new(error),
    })
}

/// Runs a world that was drawn.
///
/// # Errors
/// As [`run_id`].
pub fn run_drawn(drawn: &Drawn, lessons: &Lessons) -> Result<WorldOutcome, SimulationError> {
    let run = || run_world(&drawn.world, &ShopScene::new(drawn.shop.clone(), lessons)?);
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(outcome) => outcome,
        Err(panic) => Ok(panicked(&*panic)),
    }
}

/// What holds for all worlds of one hunt.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HuntOptions {
    /// Lines of the timeline that each world keeps: 0 where nobody looks.
    pub timeline_lines: usize,
    /// What the shop learns once for all worlds.
    pub lessons: Lessons,
    /// The mistake that the shop makes on purpose.
    #[cfg(feature = "planted-bugs")]
    pub planted: Option<mercato_actors::PlantedBug>,
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> WorldOutcome {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let mut verdict = Verdict::new("nothing outside of an agent panics");
    verdict.check(false, || text.unwrap_or("it panicked without a message"));
    WorldOutcome {
        verdicts: vec![verdict],
        tally: Tally::default(),
        hash: WorldHash {
            events: 0,
            report: 0,
            store: 0,
        },
        lasted: std::time::Duration::ZERO,
        timeline: Vec::new(),
    }
}
