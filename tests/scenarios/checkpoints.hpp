// The checkpoints of a drawn job: from `checkpoint` lines to what Flink would remember at a moment.
#pragma once

#include <vector>

#include "model/facts.hpp"
#include "tests/scenarios/scenario.hpp"
#include "tests/scenarios/world.hpp"

namespace doctor::scenario {

/// Adds the checkpoints of one line, as they will have ended: triggered only while the job runs and
/// none of the line is in progress; failed by a restart in their middle.
void draw_checkpoints(const CheckpointLine& line, const Case& scenario, JobInstance& job);
/// By time of trigger, with ids from 1 on.
void number_checkpoints(std::vector<CheckpointRecord>& records);
/// The last ten, the counts and the latest completed one.
void remember_checkpoints(const JobInstance& job, DurationMs at, int subtasks, JobFacts& facts);

}  // namespace doctor::scenario
