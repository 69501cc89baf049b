//! Crashes that a simulation injects are not news.

use mercato_actors::runtime::InjectedCrash;

/// Keeps injected crashes from the panic report on standard error; real ones still show.
pub(crate) fn hide_injected() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.payload().is::<InjectedCrash>() {
            report(panic);
        }
    }));
}
