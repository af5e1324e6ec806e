//! The documents that are generated from the sources or have to agree with them.

use crate::support::agent_jobs;

#[test]
fn the_configuration_reference_is_what_the_program_prints() {
    let reference = agent_jobs(&["reference"], b"").ok().stdout;
    assert!(
        reference == include_str!("../docs/configuration.md"),
        "docs/configuration.md is out of date; `make generated` rewrites it"
    );
}
