// Recorder: the loop's side of a recording. It sees every item just before its judge does. When the
// disk fails it drops items, counts them, and begins another file when it can.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/judge.hpp"
#include "agent/recording/encoder.hpp"
#include "agent/recording/frame_writer.hpp"
#include "agent/recording/record.hpp"
#include "agent/recording/redaction.hpp"
#include "agent/recording/settings.hpp"
#include "model/result.hpp"

namespace doctor {

class Recorder {
 public:
  using Judges = std::span<const std::unique_ptr<Judge>>;

  /// `judges` outlive it. `restored` is what they have recalled, nothing else. `exported` are the
  /// metrics kept beyond what detectors read.
  static Result<std::unique_ptr<Recorder>> start(const RecordSettings& settings, Judges judges,
                                                 std::span<const Metric> exported,
                                                 const std::vector<Memory>& restored,
                                                 TimestampMs now);
  ~Recorder();  // closes the file
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void record(const StreamItem& item);

  /// "ok", or why nothing is written.
  std::string state() const;
  /// Whether the disk has taken all frames that have ended.
  bool is_idle() const { return writer_->is_idle(); }
  std::uint64_t lost() const { return lost_; }  // items, since the start

 private:
  Recorder(const RecordSettings& settings, Judges judges, std::span<const Metric> exported,
           std::unique_ptr<FrameWriter> writer);
  void begin_file(TimestampMs at, const std::vector<Memory>* restored);
  void put(Record record);
  void put_made(ClusterIndex cluster);
  void put_below(ClusterIndex cluster, EntityId parent);
  void put_entity(ClusterIndex cluster, EntityId id);
  void put_standing(ClusterIndex cluster, TimestampMs at);
  void end_frame(bool is_last);
  bool is_able(TimestampMs now);

  RecordSettings settings_;
  Judges judges_;
  Opening opening_;
  Redaction redaction_;
  std::unique_ptr<FrameWriter> writer_;
  Encoder encoder_;
  std::vector<std::vector<EntityId>> made_;  // by cluster: entities not yet written
  bool begins_file_{false};                  // the frame being filled does
  bool is_fresh_{false};
  bool is_writing_{false};
  TimestampMs file_began_{0};
  TimestampMs frame_began_{0};
  TimestampMs stopped_at_{0};  // not writing since
  std::uint64_t frame_items_{0};
  std::uint64_t lost_{0};
  std::uint64_t lost_told_{0};
};

}  // namespace doctor
