// SeriesBudget: how many series the feature stores of one agent may keep together, whatever the
// number of its clusters. Loop thread only, as the stores themselves.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

namespace doctor {

class SeriesBudget {
 public:
  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  explicit SeriesBudget(std::size_t series_max = kUnlimited) : series_max_(series_max) {}

  std::size_t series_max() const { return series_max_; }
  std::size_t taken() const { return taken_; }

 private:
  friend class SeriesShare;  // so that nobody gives back what he has not taken

  std::size_t series_max_;
  std::size_t taken_{0};
};

/// One store's part of the budget, which it gives back as it goes.
class SeriesShare {
 public:
  explicit SeriesShare(std::shared_ptr<SeriesBudget> budget)
      : budget_(budget ? std::move(budget) : std::make_shared<SeriesBudget>()) {}
  ~SeriesShare() { give_back(size_); }
  SeriesShare(const SeriesShare&) = delete;
  SeriesShare& operator=(const SeriesShare&) = delete;

  bool take() {
    if (budget_->taken_ >= budget_->series_max_) return false;
    ++budget_->taken_;
    ++size_;
    return true;
  }
  void give_back(std::size_t series) {
    budget_->taken_ -= series;
    size_ -= series;
  }
  std::size_t size() const { return size_; }
  const SeriesBudget& budget() const { return *budget_; }

 private:
  std::shared_ptr<SeriesBudget> budget_;
  std::size_t size_{0};
};

}  // namespace doctor
