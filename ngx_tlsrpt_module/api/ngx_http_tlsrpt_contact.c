/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/contacts/TOKEN: a contact of an enrolled domain says by its link, which
 * rspamd mailed to it, whether it wants alerts.  Who has the token is the
 * contact, whatever its scope.  GET changes nothing, as mail filters follow
 * links.
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_path.h"
#include "ngx_http_tlsrpt_send.h"
#include "tlsrpt_enrolment.h"
#include "tlsrpt_key.h"


#define NGX_HTTP_TLSRPT_CONTACT_BODY  1024
#define NGX_HTTP_TLSRPT_CONTACT_LEN   1024      /* of what is kept of one */

#define NGX_HTTP_TLSRPT_CONTACT_CSP                                           \
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'"


typedef struct {
    char                 token[TLSRPT_TOKEN_LEN + 1];
    const char          *answer;            /* "confirmed", "refused"; NULL: it
                                               asks, with GET */
    ngx_uint_t           asked;             /* how many commands */
    ngx_str_t            value;             /* "STATE DOMAIN ADDRESS"; len 0:
                                               there is no such contact */
    ngx_http_request_t  *request;
    tlsrpt_key_read_t    read;
} ngx_http_tlsrpt_contact_t;


static ngx_http_tlsrpt_contact_t *ngx_http_tlsrpt_contact_create(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_contact_post(ngx_http_request_t *r);
static const char *ngx_http_tlsrpt_contact_wish(ngx_str_t *body);
static ngx_int_t ngx_http_tlsrpt_contact_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_contact_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_contact_change(ngx_http_tlsrpt_contact_t *ctx);
static ngx_int_t ngx_http_tlsrpt_contact_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_contact_destroy(void *data);
static ngx_int_t ngx_http_tlsrpt_contact_page(ngx_http_request_t *r,
    ngx_http_tlsrpt_contact_t *ctx);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_contact_fetch = {
    ngx_http_tlsrpt_contact_next,
    ngx_http_tlsrpt_contact_reply,
    NULL,
    ngx_http_tlsrpt_contact_done,
    ngx_http_tlsrpt_contact_destroy
};

static const ngx_str_t  ngx_http_tlsrpt_html[] = {
    ngx_string("text/html")
};

const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_contact_types = {
    ngx_http_tlsrpt_html, 1, "there is text/html"
};

static const char  ngx_http_tlsrpt_contact_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Alerts of TLS reports</title>\n<h1>Alerts of TLS reports</h1>\n";

static const char  ngx_http_tlsrpt_contact_form[] =
    "<form method=\"post\">\n"
    "<button name=\"answer\" value=\"yes\">Yes, send them</button>\n"
    "<button name=\"answer\" value=\"no\">No, send none</button>\n</form>\n";


ngx_int_t
ngx_http_tlsrpt_contact_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_str_t                id;
    tlsrpt_error_t              error;
    ngx_http_tlsrpt_contact_t  *ctx;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    ctx = ngx_http_tlsrpt_contact_create(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    id.data = (char *) target->id.data;
    id.len = target->id.len;

    if (!tlsrpt_token_read(id, ctx->token)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND, "no such contact");
    }

    if (r->method == NGX_HTTP_POST) {
        return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_contact_post);
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_contact_fetch, ctx);
}


/* Of the request's pool: found again when its body has been read. */

static ngx_http_tlsrpt_contact_t *
ngx_http_tlsrpt_contact_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_tlsrpt_contact_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_tlsrpt_contact_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_tlsrpt_contact_destroy;

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_tlsrpt_contact_t));
    ctx->request = r;

    return ctx;
}


static ngx_int_t
ngx_http_tlsrpt_contact_post(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                   body;
    ngx_pool_cleanup_t         *cln;
    ngx_http_tlsrpt_contact_t  *ctx;

    if (ngx_http_tlsrpt_body_exceeds(r, NGX_HTTP_TLSRPT_CONTACT_BODY)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     "an answer has 1024 bytes at most");
    }

    if (ngx_http_tlsrpt_body_text(r, &body) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (cln = r->pool->cleanup;
         cln->handler != ngx_http_tlsrpt_contact_destroy;
         cln = cln->next)
    {
        /* void */
    }

    ctx = cln->data;
    ctx->answer = ngx_http_tlsrpt_contact_wish(&body);

    if (ctx->answer == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_BAD_REQUEST,
                                     "neither answer=yes nor answer=no");
    }

    rc = ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_contact_fetch, ctx);

    if (rc == NGX_DONE) {
        /* the fetch has the request by now, and reading the body had it, too */
        ngx_http_finalize_request(r, NGX_DONE);
    }

    return rc;
}


/* RFC 8058 3.2: a mail program may send a form of either kind. */

static const char *
ngx_http_tlsrpt_contact_wish(ngx_str_t *body)
{
    if (body->len == 10 && ngx_memcmp(body->data, "answer=yes", 10) == 0) {
        return "confirmed";
    }

    if (body->len == 9 && ngx_memcmp(body->data, "answer=no", 9) == 0) {
        return "refused";
    }

    if (body->len == 0) {
        return NULL;
    }

    return ngx_strlcasestrn(body->data, body->data + body->len,
                            (u_char *) "One-Click", 9 - 1)
           ? "refused" : NULL;
}


/* The contact, then its new value. */

static ngx_int_t
ngx_http_tlsrpt_contact_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_contact_t *ctx = data;

    if (ctx->asked == 0) {
        tlsrpt_key_contacts(&ctx->read.key,
                            ngx_http_tlsrpt_prefix(ctx->request));
        ask->command = tlsrpt_key_read(&ctx->read, "HGET", ctx->token,
                                       TLSRPT_TOKEN_LEN);

    } else if (ctx->asked == 1 && ctx->answer && ctx->value.len) {
        tlsrpt_key_ask(&ctx->read, "HSET");
        tlsrpt_key_ask_for(&ctx->read, ctx->token, TLSRPT_TOKEN_LEN);
        tlsrpt_key_ask_for(&ctx->read, (char *) ctx->value.data,
                           ctx->value.len);
        ask->command = &ctx->read.command;

    } else {
        return NGX_DONE;
    }

    ctx->asked++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_contact_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_contact_t *ctx = data;

    if (ctx->asked > 1 || reply->type != TLSRPT_REPLY_STRING
        || reply->len > NGX_HTTP_TLSRPT_CONTACT_LEN)
    {
        return NGX_OK;
    }

    ctx->value.data = ngx_pnalloc(ctx->request->pool, reply->len + 1);
    if (ctx->value.data == NULL) {
        return NGX_ERROR;
    }

    ctx->value.len = reply->len;
    ngx_memcpy(ctx->value.data, reply->str, reply->len);

    return ctx->answer ? ngx_http_tlsrpt_contact_change(ctx) : NGX_OK;
}


/* Its first word becomes the answer. */

static ngx_int_t
ngx_http_tlsrpt_contact_change(ngx_http_tlsrpt_contact_t *ctx)
{
    u_char     *p;
    ngx_str_t   rest, state;

    rest = ctx->value;
    ngx_http_tlsrpt_path_cut(&rest, ' ', &state);

    p = ngx_pnalloc(ctx->request->pool,
                    ngx_strlen(ctx->answer) + 1 + rest.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->value.data = p;
    ctx->value.len = ngx_sprintf(p, "%s %V", ctx->answer, &rest) - p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_contact_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_contact_t *ctx = data;

    if (ctx->value.len == 0) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND, "no such contact");
    }

    if (ngx_http_tlsrpt_add_header(r, "Content-Security-Policy",
                                   NGX_HTTP_TLSRPT_CONTACT_CSP)
        != NGX_OK
        || ngx_http_tlsrpt_add_header(r, "Referrer-Policy", "no-referrer")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_contact_page(r, ctx);
}


static ngx_int_t
ngx_http_tlsrpt_contact_page(ngx_http_request_t *r,
    ngx_http_tlsrpt_contact_t *ctx)
{
    u_char     *page, *p;
    ngx_str_t   state, domain, address;

    address = ctx->value;
    ngx_http_tlsrpt_path_cut(&address, ' ', &state);
    ngx_http_tlsrpt_path_cut(&address, ' ', &domain);

    /* a character of an address becomes six at most */

    page = ngx_pnalloc(r->pool, sizeof(ngx_http_tlsrpt_contact_head)
                                + sizeof(ngx_http_tlsrpt_contact_form)
                                + 6 * ctx->value.len + 256);
    if (page == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(page, "%s<p>", ngx_http_tlsrpt_contact_head);

    if (ctx->answer) {
        p = ngx_sprintf(p, state.len == 9 ? "From now on, " : "No more ");
    } else {
        p = ngx_sprintf(p, "Shall ");
    }

    p = ngx_sprintf(p, "alerts about ");
    p = (u_char *) ngx_escape_html(p, domain.data, domain.len);
    p = ngx_sprintf(p, "%s sent to ", ctx->answer ? " are" : " be");
    p = (u_char *) ngx_escape_html(p, address.data, address.len);
    p = ngx_sprintf(p, "%s</p>\n%s", ctx->answer ? "." : "?",
                    ctx->answer ? "" : ngx_http_tlsrpt_contact_form);

    return ngx_http_tlsrpt_send(r, NGX_HTTP_OK, "text/html; charset=utf-8",
                                page, p - page);
}


/* All of it is of the pool. */

static void
ngx_http_tlsrpt_contact_destroy(void *data)
{
}
