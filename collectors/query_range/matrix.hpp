// What a store answers to GET /api/v1/query_range (Prometheus, Thanos, Mimir, VictoriaMetrics):
//   {"status": "success", "data": {"resultType": "matrix", "result": [
//     {"metric": {"__name__": "…", "label": "…"}, "values": [[seconds, "value"], …]}, …]}}
// Pure, and without a tree: series and samples are told as they are met.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/labels.hpp"
#include "model/limits.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace doctor::query_range {

class MatrixSink {
 public:
  virtual ~MatrixSink() = default;
  /// A series begins; its name is the label "__name__". Views live until the call returns. An error
  /// ends the reading and is its result.
  virtual Status series(std::span<const exposition::Label> labels) = 0;
  /// Of the series that began last. Not a number, and infinite, as the store says.
  virtual void sample(TimestampMs at, double value) = 0;
};

struct Answer {
  /// That the store did not see all of its data, in its own words; empty: it did.
  std::vector<std::string> warnings;
};

/// ErrorCode::malformed for anything else than such an answer; http_status with the store's own
/// words when it tells an error.
Result<Answer> read_matrix(std::string_view body, MatrixSink& sink, const Limits& limits);

}  // namespace doctor::query_range
