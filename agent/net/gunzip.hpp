// Streaming gunzip: compressed bytes in, windows of 64 KiB out, whatever the stream declares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "collectors/http.hpp"

struct inflate_state;  // ISA-L's

namespace doctor {

/// Several members one after another are one body (RFC 1952); anything else behind a member is
/// malformed. Implausible ratios (a bomb) are too_large long before the cap on decoded bytes.
class Gunzip final : public BodySink {
 public:
  explicit Gunzip(BodySink& next);
  ~Gunzip() override;
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  Status feed(std::span<const char> compressed) override;
  /// No more bytes will come: did a member end here, its CRC and size checked?
  Status finish() const;

 private:
  Status inflate_window();
  bool begins_as_gzip();
  bool implausible() const;

  BodySink& next_;
  std::unique_ptr<inflate_state> stream_;
  std::unique_ptr<char[]> window_;
  std::uint64_t bytes_in_{0};
  std::uint64_t bytes_out_{0};
  std::size_t magic_bytes_{0};  // of this member, that were looked at
  bool member_ended_{false};
};

}  // namespace doctor
