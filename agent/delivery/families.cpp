#include "agent/delivery/families.hpp"

#include <algorithm>
#include <cmath>

#include "model/text.hpp"

namespace doctor {

void Families::add(Kind kind, std::string_view name, std::string_view help, const LabelSet& labels,
                   double value) {
  if (!std::isfinite(value)) return;
  if (double* known = slot(kind, name, help, labels, value)) *known = std::max(*known, value);
}

void Families::add_earliest(std::string_view name, std::string_view help, const LabelSet& labels,
                            double value) {
  if (!std::isfinite(value)) return;
  if (double* known = slot(Kind::gauge, name, help, labels, value)) {
    *known = std::min(*known, value);
  }
}

double* Families::slot(Kind kind, std::string_view name, std::string_view help,
                       const LabelSet& labels, double initial) {
  Labels cleaned;
  cleaned.reserve(labels.size());
  for (const auto& [label, value] : labels) {
    cleaned.push_back({std::string(label), printable(value)});
  }
  const auto family = by_name_.find(name);
  const bool fresh_family = family == by_name_.end();
  const std::size_t index = fresh_family ? families_.size() : family->second;
  const auto series_value = [&](prometheus::ClientMetric& metric) {
    return kind == Kind::counter ? &metric.counter.value : &metric.gauge.value;
  };
  if (!fresh_family) {
    const auto known = by_labels_[index].find(cleaned);
    if (known != by_labels_[index].end()) {
      return series_value(families_[index].metric[known->second]);
    }
  }
  if (series_ >= series_max_) {
    ++omitted_;
    return nullptr;
  }
  ++series_;
  if (fresh_family) {
    const auto type =
        kind == Kind::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    families_.push_back({std::string(name), std::string(help), type, {}});
    by_labels_.emplace_back();
    by_name_.emplace(std::string(name), index);
  }
  auto& metrics = families_[index].metric;
  by_labels_[index].emplace(cleaned, metrics.size());
  prometheus::ClientMetric metric;
  metric.label = std::move(cleaned);
  *series_value(metric) = initial;
  metrics.push_back(std::move(metric));
  return series_value(metrics.back());
}

}  // namespace doctor
