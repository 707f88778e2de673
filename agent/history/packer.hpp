// Packer: zstd around text that is made piece by piece and never stands anywhere as a whole.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;

namespace doctor {

class Packer {
 public:
  Packer();
  void add(std::string_view piece);
  /// Once, after the last piece.
  std::string finish() &&;

 private:
  void pack(bool is_end);

  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  std::string pending_, packed_;
};

/// Whether it begins as what a Packer made.
bool is_packed(std::string_view bytes);
/// Nothing when damaged, cut off, or larger than `bytes_max`.
std::optional<std::string> unpack(std::string_view packed, std::size_t bytes_max);

}  // namespace doctor
