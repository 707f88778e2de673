// Log texts for /metrics: counts by text and process, and how complete the reading was.
#pragma once

#include "agent/delivery/families.hpp"
#include "agent/view.hpp"

namespace doctor {

/// Nothing where no log is followed. Where one is, every text of the table has its counter, zero
/// too: what rises from "absent" to 1 is no increase to Prometheus.
void add_log_series(Families& families, const ClusterView& cluster);

}  // namespace doctor
