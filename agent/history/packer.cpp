#include "agent/history/packer.hpp"

#include <zstd.h>

#include <new>

namespace doctor {
namespace {

constexpr int kQuick = 1;
constexpr std::size_t kWindowBytes = 64U << 10U;
constexpr std::string_view kMagic{"\x28\xB5\x2F\xFD", 4};  // RFC 8878

}  // namespace

void Packer::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

Packer::Packer() : context_(ZSTD_createCCtx()) {
  if (!context_) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kQuick);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

void Packer::add(std::string_view piece) {
  pending_.append(piece);
  if (pending_.size() >= kWindowBytes) pack(false);
}

std::string Packer::finish() && {
  pack(true);
  return std::move(packed_);
}

void Packer::pack(bool is_end) {
  ZSTD_inBuffer in{pending_.data(), pending_.size(), 0};
  for (std::size_t left = 1; left != 0 || in.pos < in.size;) {
    const std::size_t before = packed_.size();
    packed_.resize(before + ZSTD_CStreamOutSize());
    ZSTD_outBuffer out{packed_.data() + before, ZSTD_CStreamOutSize(), 0};
    left = ZSTD_compressStream2(context_.get(), &out, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
    packed_.resize(before + out.pos);
    // It only fails for want of memory; what was packed so far will not unpack.
    if (ZSTD_isError(left) != 0) throw std::bad_alloc();
    if (!is_end && in.pos == in.size) break;
  }
  pending_.clear();
}

bool is_packed(std::string_view bytes) { return bytes.starts_with(kMagic); }

std::optional<std::string> unpack(std::string_view packed, std::size_t bytes_max) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  std::string bytes;
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t left = 1;
  while (left != 0) {
    const std::size_t before = bytes.size();
    if (before > bytes_max) return std::nullopt;
    bytes.resize(before + kWindowBytes);
    ZSTD_outBuffer out{bytes.data() + before, kWindowBytes, 0};
    left = ZSTD_decompressStream(context.get(), &out, &in);
    bytes.resize(before + out.pos);
    if (ZSTD_isError(left) != 0) return std::nullopt;
    if (left != 0 && out.pos < kWindowBytes && in.pos == in.size) return std::nullopt;  // cut off
  }
  if (bytes.size() > bytes_max || in.pos != in.size) return std::nullopt;
  return bytes;
}

}  // namespace doctor
