#include "agent/delivery/unseen.hpp"

#include "agent/delivery/terminal.hpp"
#include "model/limits.hpp"

namespace doctor {

std::string unseen_sentence(const SourceHealth& source) {
  if (source.series_unseen == 0) return {};
  constexpr Limits kLimits;
  return std::to_string(source.series_unseen) + " series over the limit (" +
         std::to_string(kLimits.series_per_source_max) + " per source, " +
         std::to_string(kLimits.entities_per_cluster_max) +
         " entities per cluster) are not seen; fewer metrics under export and user_metrics leave "
         "room";
}

std::string unseen_sentence(const SeriesLimit& limit, const std::string& whose,
                            const std::string& way_out) {
  if (limit.samples_dropped == 0) return {};
  return std::to_string(limit.samples_dropped) + " samples found no room, the last at " +
         moment(limit.last_dropped) + ": " + whose + " more than the " +
         std::to_string(limit.series_max) + " series that are kept" + way_out;
}

}  // namespace doctor
