/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/tools/report: a report that is the body of a request, and is not stored.
 */

#include "ngx_http_tlsrpt_accept.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_report.h"
#include "tlsrpt_document.h"


static ngx_int_t ngx_http_tlsrpt_tool_report_answer(ngx_http_request_t *r);
static const tlsrpt_report_t *ngx_http_tlsrpt_tool_report_read(
    ngx_http_request_t *r, const tlsrpt_reader_conf_t *conf, ngx_int_t *rc);


ngx_int_t
ngx_http_tlsrpt_tool_report_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t                    rc;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    rc = ngx_http_tlsrpt_report_params(r);

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    if (rc == NGX_DECLINED
        && ngx_http_tlsrpt_body_exceeds(r, tlcf->max_report_size))
    {
        rc = ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                   tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_tool_report_answer);
}


static ngx_int_t
ngx_http_tlsrpt_tool_report_answer(ngx_http_request_t *r)
{
    ngx_int_t                    rc, type;
    tlsrpt_document_t            document;
    tlsrpt_reader_conf_t         conf;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    /* the same as before the body came: not 406 */

    type = ngx_http_tlsrpt_accept(r, ngx_http_tlsrpt_report_media,
                                  NGX_HTTP_TLSRPT_REPORT_READABLE);

    if (ngx_http_tlsrpt_body_exceeds(r, tlcf->max_report_size)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    ngx_memzero(&document, sizeof(tlsrpt_document_t));
    document.size = (size_t) ngx_http_tlsrpt_body_size(r);

    ngx_memzero(&conf, sizeof(tlsrpt_reader_conf_t));
    conf.max_size = tlcf->max_report_size;

    document.report = ngx_http_tlsrpt_tool_report_read(r, &conf, &rc);
    if (document.report == NULL) {
        return rc;
    }

    return ngx_http_tlsrpt_report_answer(r, &document, type);
}


/* The report is valid until the reader is used again; NULL: *rc is the
   answer. */

static const tlsrpt_report_t *
ngx_http_tlsrpt_tool_report_read(ngx_http_request_t *r,
    const tlsrpt_reader_conf_t *conf, ngx_int_t *rc)
{
    const tlsrpt_error_t   *error;
    const tlsrpt_report_t  *report;

    *rc = ngx_http_tlsrpt_body_report(r, conf, &report, &error);

    if (*rc == NGX_OK) {
        return report;
    }

    *rc = error ? ngx_http_tlsrpt_error_of(r, error)
                : ngx_http_tlsrpt_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "the report cannot be read back");

    return NULL;
}
