// Metrics of a vertex's tasks, operators and column families, in place of TaskManager reporters:
// which ids there are, how they are asked for in bounded requests, and what the answers mean.
//   /jobs/:id/vertices/:vid/subtasks/metrics          ids of all subtasks, "Operator.cf.rocksdb_…"
//   /jobs/:id/vertices/:vid/metrics?get=0.<id>,1.<id> their values; unknown ids are left out
// The plain page rather than the aggregating one: a maximum over subtasks has lost whose it is, and
// one unknown id empties that page.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/rest/parse.hpp"
#include "collectors/rest/wanted.hpp"

namespace doctor::rest {

/// Whether only these pages have it.
bool is_vertex_metric(const MetricInfo& about);

/// Of all ids of a vertex those to ask for, at most `ids_max`. What the vertex's own page tells
/// (accumulated times, record counts) is not among them. Watermarks are asked for only where they
/// are made or meet, since behind an exchange all vertices repeat them, and each page costs a call.
std::vector<std::string> wanted_vertex_ids(const std::vector<std::string>& ids,
                                           const Wanted& wanted, std::size_t ids_max,
                                           bool with_watermarks = true);

/// Of all ids of a vertex those that its own page tells too: what to ask for as well where there is
/// room, since that page is read seldom where vertices are many.
std::vector<std::string> page_vertex_ids(const std::vector<std::string>& ids, const Wanted& wanted);

/// Of all ids of a vertex those of a source's splits: what to ask for as well where there is room.
/// Nobody says which subtask reads a split, so that each is asked of all of them.
std::vector<std::string> split_vertex_ids(const std::vector<std::string>& ids,
                                          const Wanted& wanted);

/// Whether metrics of column families are among these ids.
bool tell_state(const std::vector<std::string>& ids);

/// Whether a vertex is a source, comes right behind one, or has several inputs.
bool makes_or_merges_watermarks(const JobFacts& job, const std::string& vertex);

/// "?get=…" texts, each short enough for Flink's HTTP decoder, that cover all subtasks, or, if that
/// took more than `queries_max`, as many as fit, evenly spread.
std::vector<std::string> vertex_queries(const std::vector<std::string>& ids, int parallelism,
                                        std::size_t queries_max);

/// [{"id":"0.Operator.cf.rocksdb_block-cache-usage","value":"8388608"}] into values of the
/// subtasks, operators, column families and splits below `vertex`.
Status parse_vertex_metrics(std::string_view body, const Limits& limits, EntityId vertex,
                            EntityTable& entities, KeyedValues& values);

/// Whether there is anything but what checkpoints and the vertex's own page tell too.
bool tell_more_than_checkpoints(const KeyedValues& values);

/// What the slowest of these subtasks has reached; epoch ms.
std::optional<double> lowest_watermark(const KeyedValues& values);

}  // namespace doctor::rest
