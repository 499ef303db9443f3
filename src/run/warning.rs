//! What a run's summary remarks about the network as it stands: the lint that the tutorial is about, in `lint`'s words.

use super::result::Warning;
use crate::lint::{self, Mend};
use crate::model::Model;
use crate::scenario::Names;
use std::collections::BTreeSet;

/// Everything to notice now. By id: the step that creates a thing names it only afterwards.
pub(super) fn warnings(model: &Model) -> BTreeSet<Warning> {
    let lints = lint::without_route_table(model, &Names::default()).into_iter();
    lints
        .map(|lint| Warning {
            text: lint.text,
            mend: match lint.mend {
                Mend::Aws(lines) => lines.into_iter().next(),
                Mend::Scenario(_) | Mend::Advice(_) => None,
            },
        })
        .collect()
}
