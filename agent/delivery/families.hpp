// Families: the metric families of one page, built from scratch for each page. Equal series are
// merged, values that are not numbers are left out, and the page stays below a cap. Internal to
// the page's own files: the only header that shows prometheus-cpp.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/metric.hpp"

namespace doctor {

using LabelSet = std::vector<std::pair<std::string_view, std::string>>;

class Families {
 public:
  explicit Families(std::size_t series_max) : series_max_(series_max) {}

  /// Label values are cleaned here. Of two equal series the larger value stays.
  void add(Kind kind, std::string_view name, std::string_view help, const LabelSet& labels,
           double value);
  /// The same for moments: the earlier one stays.
  void add_earliest(std::string_view name, std::string_view help, const LabelSet& labels,
                    double value);

  std::uint64_t omitted() const { return omitted_; }  // series beyond the cap
  std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

 private:
  using Labels = std::vector<prometheus::ClientMetric::Label>;
  double* slot(Kind kind, std::string_view name, std::string_view help, const LabelSet& labels,
               double initial);

  std::size_t series_max_;
  std::size_t series_{0};
  std::uint64_t omitted_{0};
  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
  std::vector<std::map<Labels, std::size_t>> by_labels_;  // beside families_
};

}  // namespace doctor
