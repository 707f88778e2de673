// Authorities and certificates for tests of TLS, made on the spot with OpenSSL.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace doctor::certificates {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

/// PEM texts.
struct Identity {
  std::string certificate;
  std::string key;
};

struct Wish {
  std::string subject{"peer"};
  std::string names{"DNS:jobmanager,IP:127.0.0.1"};
  long begins_s{-3600};  // from now
  long ends_s{3600};
};

inline std::string text_in(const Bio& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

inline std::string pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(bio.get(), certificate);
  return text_in(bio);
}

/// Encrypted when there is a password.
inline std::string pem(EVP_PKEY* key, const std::string& password = "") {
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, password.empty() ? nullptr : EVP_aes_256_cbc(),
                                password.empty() ? nullptr : password.data(),
                                static_cast<int>(password.size()), nullptr, nullptr);
  return text_in(bio);
}

inline Key new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

inline std::string encrypted_key(const std::string& password) {
  return pem(new_key().get(), password);
}

class Authority {
 public:
  explicit Authority(const std::string& name)
      : name_(name), key_(new_key()), certificate_(sign({name, "", -3600, 7200}, key_, true)) {}

  std::string certificate() const { return pem(certificate_.get()); }
  Identity issue(const Wish& wish = {}) const {
    const Key key = new_key();
    return {pem(sign(wish, key, false).get()), pem(key.get())};
  }

 private:
  static void extend(X509* certificate, int what, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static void set_name(X509_NAME* into, const std::string& name) {
    X509_NAME_add_entry_by_txt(into, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  }
  Certificate sign(const Wish& wish, const Key& key, bool is_authority) const {
    Certificate certificate(X509_new(), X509_free);
    X509* x509 = certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x509), wish.begins_s);
    X509_gmtime_adj(X509_getm_notAfter(x509), wish.ends_s);
    set_name(X509_get_subject_name(x509), wish.subject);
    set_name(X509_get_issuer_name(x509), name_);
    X509_set_pubkey(x509, key.get());
    if (is_authority) extend(x509, NID_basic_constraints, "critical,CA:TRUE");
    if (!wish.names.empty()) extend(x509, NID_subject_alt_name, wish.names);
    X509_sign(x509, key_.get(), EVP_sha256());
    return certificate;
  }

  std::string name_;
  Key key_;
  Certificate certificate_;
};

}  // namespace doctor::certificates
