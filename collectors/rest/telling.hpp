// Which checkpoints of a job it tells something to look at more closely. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "collectors/rest/known.hpp"

namespace doctor::rest {

/// Below, a checkpoint's duration is not worth calls.
inline constexpr DurationMs kSlowMinMs = 10 * kSecondMs;

/// No checkpoint for more than twice the time that one may take: whether one completes now is news.
/// One that stays away for long is no news any more.
bool is_overdue(const KnownJob& job, TimestampMs now);

/// The newest checkpoint is of another size than the one before: is it the first of many?
bool size_moved(const KnownJob& job);

/// Either: checkpoints do not come, or are of another size than before.
bool is_troubled(const KnownJob& job, TimestampMs now);

/// Checkpoints of which it tells something how they are spread over the vertices: the two between
/// which the size last moved, one that was slow, the newest if it failed, one that is overdue.
std::vector<std::int64_t> telling_checkpoints(const KnownJob& job, TimestampMs now);

/// The vertex that held a checkpoint up: it has most subtasks to wait for, or acknowledged last.
const VertexCheckpoint* last_vertex(const CheckpointDetails& details);

}  // namespace doctor::rest
