// The body of a watch, line by line as it drips in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "collectors/http.hpp"

namespace doctor::kubernetes {

class WatchSink final : public BodySink {
 public:
  /// Takes a whole line without its end. An error ends the exchange and is its result.
  using TakeLine = std::function<Status(std::string_view)>;

  /// `opened` is called when the server has agreed to the watch.
  WatchSink(std::size_t line_bytes_max, std::function<void()> opened, TakeLine take)
      : line_bytes_max_(line_bytes_max), opened_(std::move(opened)), take_(std::move(take)) {}

  void begin(const HttpReply& head) override;
  /// An answer that is not 200 has no lines: it is kept, up to some bytes, as `refusal`.
  Status feed(std::span<const char> window) override;

  bool opened() const { return status_ == 200; }
  const std::string& refusal() const { return refusal_; }

 private:
  Status append(std::string_view part);

  std::size_t line_bytes_max_;
  std::function<void()> opened_;
  TakeLine take_;
  int status_{0};
  std::string line_;  // begun, not ended
  std::string refusal_;
};

}  // namespace doctor::kubernetes
