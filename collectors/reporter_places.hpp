// Where a series of Flink's reporter belongs, told by its labels. In two steps, so that a body that
// breaks off leaves no trace: names first, entities when all is well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collectors/exposition/labels.hpp"
#include "collectors/selection.hpp"
#include "model/entity.hpp"
#include "model/metric.hpp"

namespace doctor {

inline constexpr std::string_view kJobManagerPrefix = "flink_jobmanager_";
inline constexpr std::string_view kTaskManagerPrefix = "flink_taskmanager_";

class ReporterPlaces {
 public:
  static constexpr std::uint32_t kNoText = 0xFFFFFFFFU;
  /// Names by their number, see text().
  struct Place {
    Metric metric{};
    std::int32_t attempt{0};
    std::uint32_t subtask{0};
    std::uint32_t named_process{kNoText};  // by its tm_id; also where nothing else can be told
    std::uint32_t process{kNoText}, job{kNoText}, vertex{kNoText}, operator_{kNoText};
    std::uint32_t last{kNoText};  // the collector, the column family or the split
  };

  /// Longer names are cut.
  explicit ReporterPlaces(std::size_t name_bytes_max) : name_bytes_max_(name_bytes_max) {}

  /// Fills in what the level of `place.metric` needs; false when a label for that is missing or
  /// malformed. `star` is what '*' stood for in the family's name.
  bool fill(Place& place, std::string_view star, bool from_job_manager,
            std::span<const exposition::Label> labels);
  /// What the names take, with what holds them.
  std::size_t bytes() const { return bytes_; }
  /// Filtered as the reporter filters.
  const std::string& text(std::uint32_t number) const { return texts_[number]; }

  /// The second step. Thousands of series share their ancestors: each is looked up in the table by
  /// name only once.
  class Entities {
   public:
    Entities(const ReporterPlaces& places, EntityTable& entities)
        : places_(places), entities_(entities) {}
    /// kNoEntity when the table is full.
    EntityId of(const Place& place);
    /// The process whose labels name it; kNoEntity when they name none.
    EntityId named_process(const Place& place);

   private:
    EntityId below(EntityId parent, Level level, std::uint32_t name);

    const ReporterPlaces& places_;
    EntityTable& entities_;
    std::unordered_map<std::uint64_t, EntityId> known_;
  };

 private:
  std::uint32_t number(std::string_view label);

  std::size_t name_bytes_max_;
  std::size_t bytes_{0};
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>> numbers_;
};

}  // namespace doctor
