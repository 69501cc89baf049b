//! What durable flows promise.

mod at_rest;
mod children;
mod groups;
mod operators;
mod parked;
mod pivot;
mod replies;
mod starters;
mod steps;
mod versions;
mod work;
