// libcurl for Swift. Swift cannot call C functions with `...`, and libcurl sets and asks everything through two of
// them: here is one function for each type of value. What is set, and why, is decided in Sources/Delivery.
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#pragma clang assume_nonnull begin

/// Called with a piece of the answer, `size` times `count` bytes; anything but that product ends the transfer.
typedef size_t (*ccurl_receive)(char *bytes, size_t size, size_t count, void *_Nullable context);
/// Opens the socket for an address that libcurl is about to connect to; CURL_SOCKET_BAD refuses the address.
typedef curl_socket_t (*ccurl_open_socket)(
    void *_Nullable context, curlsocktype purpose, struct curl_sockaddr *address);

/// Called when libcurl wants to know of a socket, or no longer: `what` is one of CURL_POLL_….
typedef int (*ccurl_watch_socket)(
    CURL *_Nullable handle, curl_socket_t socket, int what, void *_Nullable context, void *_Nullable socketContext);
/// Called when libcurl wants to be called back after a time; a negative one withdraws that.
typedef int (*ccurl_set_timer)(CURLM *_Nullable multi, long milliseconds, void *_Nullable context);

/// curl_easy_setopt(3) for options that take a `long`.
CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value);
/// curl_easy_setopt(3) for options that take a `curl_off_t`.
CURLcode ccurl_set_offset(CURL *handle, CURLoption option, curl_off_t value);
/// curl_easy_setopt(3) for options that take a string, which libcurl copies.
CURLcode ccurl_set_string(CURL *handle, CURLoption option, const char *value);
/// curl_easy_setopt(3) for options that take memory, which the caller keeps alive.
CURLcode ccurl_set_pointer(CURL *handle, CURLoption option, const void *_Nullable value);
/// curl_easy_setopt(3) for options that take a `struct curl_blob`, which libcurl copies.
CURLcode ccurl_set_copy(CURL *handle, CURLoption option, const void *_Nullable bytes, size_t count);
/// CURLOPT_HTTPHEADER; the caller keeps the list alive.
CURLcode ccurl_set_headers(CURL *handle, struct curl_slist *_Nullable headers);
/// CURLOPT_WRITEFUNCTION: receives the body of the answer.
CURLcode ccurl_on_body(CURL *handle, ccurl_receive function, void *context);
/// CURLOPT_HEADERFUNCTION: receives the head of the answer, line by line.
CURLcode ccurl_on_head(CURL *handle, ccurl_receive function, void *context);
/// CURLOPT_OPENSOCKETFUNCTION.
CURLcode ccurl_on_open_socket(CURL *handle, ccurl_open_socket function, void *context);
/// Allows http and https and nothing else, for the request and for any redirect.
CURLcode ccurl_only_http(CURL *handle);
/// Does not wait for a name server that answers late once the transfer is given up (no-op before libcurl 7.87).
CURLcode ccurl_leave_resolver_behind(CURL *handle);
/// CURLOPT_PRIVATE: what `ccurl_private` returns.
CURLcode ccurl_set_private(CURL *handle, void *_Nullable context);
/// CURLINFO_PRIVATE.
void *_Nullable ccurl_private(CURL *handle);
/// curl_multi_setopt(3) for options that take a `long`.
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);
/// CURLMOPT_SOCKETFUNCTION.
CURLMcode ccurl_multi_on_socket(CURLM *multi, ccurl_watch_socket function, void *context);
/// CURLMOPT_TIMERFUNCTION.
CURLMcode ccurl_multi_on_timer(CURLM *multi, ccurl_set_timer function, void *context);
/// The next transfer that has ended, and how (curl_multi_info_read(3)); NULL where there is none.
CURL *_Nullable ccurl_multi_finished(CURLM *multi, CURLcode *code);
/// CURLINFO_RESPONSE_CODE; 0 where no answer came.
long ccurl_status(CURL *handle);
/// CURLINFO_SIZE_UPLOAD_T: how many bytes of the body were sent.
curl_off_t ccurl_sent_bytes(CURL *handle);
/// CURLINFO_RETRY_AFTER: the `Retry-After` of the answer in seconds from now, be it a number or a date; 0 for none.
curl_off_t ccurl_retry_after_seconds(CURL *handle);

#pragma clang assume_nonnull end
