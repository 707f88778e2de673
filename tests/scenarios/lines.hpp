// The lines of a scenario that draw the cluster: who is there, what runs, what happens to it.
#pragma once

#include <optional>
#include <string>

#include "tests/scenarios/scenario.hpp"
#include "tests/scenarios/words.hpp"

namespace doctor::scenario {

/// from= and to=.
Interval interval(Words& words);
void parse_cluster(Words& words, Case& scenario);
void parse_task_manager(Words& words, Case& scenario);
JobLine parse_job_options(Words& words, std::string name);
void parse_submit(Words& words, Case& scenario);
/// `at` is set when the line began with "at TIME".
void parse_checkpoint(Words& words, std::optional<DurationMs> at, Case& scenario);
void parse_fault(Words& words, std::optional<DurationMs> at, Case& scenario);
void parse_state_change(Words& words, DurationMs at, Case& scenario);

}  // namespace doctor::scenario
