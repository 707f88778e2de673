// Names of series that hold over restarts: "jvm_heap_used process=tm-1",
// "task_records_in job=4f…/vertex=ab…/subtask=3". In names '%', '/', '=', blanks and control
// characters are written as %XX.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/metric.hpp"

namespace doctor {

/// "" is the cluster itself.
std::string entity_path(const EntityTable& entities, EntityId entity);
/// Finds or makes it. kNoEntity for text of another make, and when the table is full.
EntityId intern_path(EntityTable& entities, std::string_view path);

/// "metric path".
std::string series_name(const EntityTable& entities, const SeriesKey& key);
/// Nothing for metrics of another version of the agent.
std::optional<SeriesKey> intern_series(EntityTable& entities, std::string_view name);

}  // namespace doctor
