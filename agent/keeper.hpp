// Keeper: what is remembered on disk. Gives every item of the stream to the history, saves what the
// judges have learned, and brings it back at the next start.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/history/catch_up.hpp"
#include "agent/history/history.hpp"
#include "agent/history/store.hpp"
#include "agent/judge.hpp"
#include "agent/recording/record.hpp"
#include "agent/view.hpp"

namespace doctor {

struct KeeperSettings {
  std::string directory;
  HistorySettings history;
  Limits limits;
};

class Keeper {
 public:
  using Judges = std::span<const std::unique_ptr<Judge>>;

  /// `judges` outlive it. Fails when the directory may not be used: another process has it, or a
  /// newer version wrote it. A disk in trouble is no reason to fail.
  static Result<std::unique_ptr<Keeper>> open(const KeeperSettings& settings, Judges judges);

  /// Reads what was learned in up to a week, which takes a while, and begins to write. Before
  /// anything below; fails as open() does. Once.
  Status bring_back(const FeaturePlan& plan, TimestampMs now);

  /// What the judges knew when the last process ended, but for seconds. Once.
  std::vector<Memory> take_restored() { return std::move(restored_); }

  /// What the tasks of each cluster did in the minutes before, oldest first, for recorder and judge
  /// once they know what was restored; the history has it. Once.
  std::vector<StreamItem> take_past() { return std::move(past_); }

  /// An item that its judge has just absorbed.
  void keep(const StreamItem& item, Judge& judge);
  /// At every tick; `is_last`: whatever has changed.
  void remember(TimestampMs now, bool is_last);
  void tell(AgentHealth& health) const;

 private:
  Keeper(KeeperSettings settings, Judges judges, std::shared_ptr<DataDirectory> directory,
         std::unique_ptr<Store> store)
      : settings_(std::move(settings)),
        judges_(judges),
        directory_(std::move(directory)),
        store_(std::move(store)) {}

  KeeperSettings settings_;
  Judges judges_;
  std::shared_ptr<DataDirectory> directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<History> history_;
  std::vector<Memory> restored_;
  std::vector<StreamItem> past_;
  std::map<std::string, std::string> saved_findings_;  // cluster → image last given to the store
  std::map<std::string, TimestampMs> features_due_;    // cluster → when its next image is
};

}  // namespace doctor
