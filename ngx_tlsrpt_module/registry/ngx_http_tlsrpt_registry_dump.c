/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The file is for this machine alone: a head, the rows, a checksum of both.
 * The rows are in the order of names: in any other the tree is built more
 * slowly, and nobody is answered before it is.
 */

#include "ngx_http_tlsrpt_registry_dump.h"
#include "ngx_http_tlsrpt_registry_sweep.h"
#include "tlsrpt_buf.h"

#include <sys/mman.h>
#include <zlib.h>


#define NGX_HTTP_TLSRPT_DUMP_MAGIC  0x32525354      /* and the form */
#define NGX_HTTP_TLSRPT_DUMP_AGE    (30 * 86400)


typedef struct {
    uint32_t                       magic;
    uint32_t                       epoch_len;
    uint64_t                       version;
    int64_t                        saved;   /* second */
    u_char                         epoch[NGX_HTTP_TLSRPT_EPOCH_LEN];
} ngx_http_tlsrpt_dump_head_t;

/* Behind it: name, text, id, and the claims. */
typedef struct {
    uint64_t                       version;
    int64_t                        until;
    int64_t                        vanished;
    uint32_t                       text_len;
    uint16_t                       nclaims;
    u_char                         name_len;
    u_char                         id_len;
    u_char                         mode;
} ngx_http_tlsrpt_dump_row_t;

/* Behind it: owner, token. */
typedef struct {
    int64_t                        proved;
    u_char                         state;
    u_char                         owner_len;
    u_char                         token_len;
} ngx_http_tlsrpt_dump_claim_t;

typedef struct {
    ngx_str_t                      file;
    u_char                        *temp;    /* its name while it is written */
    ngx_fd_t                       fd;
    ngx_http_tlsrpt_walk_t         walk;
    uint32_t                       sum;
    tlsrpt_buf_t                   buf;     /* of this turn */
    unsigned                       begun:1;
} ngx_http_tlsrpt_dump_t;

typedef struct {
    u_char                        *p;
    u_char                        *last;
} ngx_http_tlsrpt_dump_from_t;


static ngx_int_t ngx_http_tlsrpt_dump_rows(u_char *p, size_t size,
    ngx_str_t *file, ngx_log_t *log);
static ngx_int_t ngx_http_tlsrpt_dump_row(ngx_http_tlsrpt_dump_from_t *from,
    ngx_http_tlsrpt_row_t *row);
static ngx_int_t ngx_http_tlsrpt_dump_claim(ngx_http_tlsrpt_dump_from_t *from,
    ngx_http_tlsrpt_row_claim_t *claim);
static ngx_int_t ngx_http_tlsrpt_dump_take(ngx_http_tlsrpt_dump_from_t *from,
    void *to, size_t len);
static ngx_int_t ngx_http_tlsrpt_dump_take_str(
    ngx_http_tlsrpt_dump_from_t *from, ngx_str_t *s, size_t len);

static ngx_int_t ngx_http_tlsrpt_dump_begin(ngx_str_t *file, ngx_log_t *log);
static void ngx_http_tlsrpt_dump_head(void);
static void ngx_http_tlsrpt_dump_entry(ngx_http_tlsrpt_entry_t *entry,
    void *data);
static void ngx_http_tlsrpt_dump_entry_claims(ngx_http_tlsrpt_entry_t *entry);
static void ngx_http_tlsrpt_dump_add(const void *data, size_t len);
static ngx_int_t ngx_http_tlsrpt_dump_flush(ngx_log_t *log);
static ngx_int_t ngx_http_tlsrpt_dump_end(ngx_log_t *log);


/* Of this worker. */
static ngx_http_tlsrpt_dump_t  ngx_http_tlsrpt_dump;


/* Reading */

void
ngx_http_tlsrpt_dump_read(ngx_str_t *file, ngx_log_t *log)
{
    u_char           *p;
    size_t            size;
    ngx_fd_t          fd;
    ngx_file_info_t   fi;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno != NGX_ENOENT && ngx_errno != NGX_ENOTDIR) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          ngx_open_file_n " \"%V\" failed", file);
        }

        return;
    }

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)
        || ngx_file_size(&fi)
           < (off_t) (sizeof(ngx_http_tlsrpt_dump_head_t) + sizeof(uint32_t)))
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "tlsrpt: \"%V\" is no dump of the registry", file);
        (void) ngx_close_file(fd);
        return;
    }

    size = (size_t) ngx_file_size(&fi);

    p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (p == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "mmap() of \"%V\" failed", file);

    } else {
        if (ngx_http_tlsrpt_dump_rows(p, size, file, log) != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "tlsrpt: the dump of the registry \"%V\" is broken",
                          file);
        }

        (void) munmap(p, size);
    }

    (void) ngx_close_file(fd);
}


static ngx_int_t
ngx_http_tlsrpt_dump_rows(u_char *p, size_t size, ngx_str_t *file,
    ngx_log_t *log)
{
    ngx_int_t                       rc;
    uint32_t                        sum;
    ngx_http_tlsrpt_dump_from_t     from;
    ngx_http_tlsrpt_dump_head_t     head;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    static ngx_http_tlsrpt_row_t  row;      /* too large for the stack */

    from.p = p;
    from.last = p + size - sizeof(uint32_t);

    ngx_memcpy(&sum, from.last, sizeof(uint32_t));

    if (sum != (uint32_t) crc32_z(0, p, size - sizeof(uint32_t))) {
        return NGX_ERROR;
    }

    (void) ngx_http_tlsrpt_dump_take(&from, &head, sizeof(head));

    if (head.magic != NGX_HTTP_TLSRPT_DUMP_MAGIC
        || head.epoch_len > NGX_HTTP_TLSRPT_EPOCH_LEN)
    {
        return NGX_ERROR;
    }

    if (ngx_time() - head.saved > NGX_HTTP_TLSRPT_DUMP_AGE) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "tlsrpt: the dump of the registry \"%V\" is older than "
                      "30 days: it is not used", file);
        return NGX_OK;
    }

    sh = ngx_http_tlsrpt_zone->sh;
    rc = NGX_OK;

    ngx_http_tlsrpt_zone_lock();

    sh->epoch_len = head.epoch_len;
    ngx_memcpy(sh->epoch, head.epoch, head.epoch_len);
    sh->version = head.version;
    sh->synced = (time_t) head.saved;

    while (rc == NGX_OK && from.p < from.last) {
        rc = ngx_http_tlsrpt_dump_row(&from, &row);

        if (rc == NGX_OK && ngx_http_tlsrpt_zone_put(&row) != NGX_OK) {
            /* what is in Redis is loaded from the first on, and told */
            sh->version = 0;
            break;
        }
    }

    ngx_http_tlsrpt_zone_unlock();

    return rc;
}


static ngx_int_t
ngx_http_tlsrpt_dump_row(ngx_http_tlsrpt_dump_from_t *from,
    ngx_http_tlsrpt_row_t *row)
{
    ngx_uint_t                  i;
    ngx_http_tlsrpt_dump_row_t  head;

    if (ngx_http_tlsrpt_dump_take(from, &head, sizeof(head)) != NGX_OK
        || head.nclaims == 0 || head.nclaims > NGX_HTTP_TLSRPT_CLAIMS)
    {
        return NGX_ERROR;
    }

    row->version = head.version;
    row->until = (time_t) head.until;
    row->vanished = (time_t) head.vanished;
    row->mode = head.mode;
    row->nclaims = head.nclaims;
    row->withdrawn = 0;

    if (ngx_http_tlsrpt_dump_take_str(from, &row->name, head.name_len)
           != NGX_OK
        || ngx_http_tlsrpt_dump_take_str(from, &row->text, head.text_len)
           != NGX_OK
        || ngx_http_tlsrpt_dump_take_str(from, &row->id, head.id_len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < row->nclaims; i++) {
        if (ngx_http_tlsrpt_dump_claim(from, &row->claims[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_dump_claim(ngx_http_tlsrpt_dump_from_t *from,
    ngx_http_tlsrpt_row_claim_t *claim)
{
    ngx_http_tlsrpt_dump_claim_t  head;

    if (ngx_http_tlsrpt_dump_take(from, &head, sizeof(head)) != NGX_OK
        || head.state >= NGX_HTTP_TLSRPT_NSTATES
        || head.token_len > NGX_HTTP_TLSRPT_TOKEN_LEN)
    {
        return NGX_ERROR;
    }

    claim->proved = (time_t) head.proved;
    claim->state = head.state;

    if (ngx_http_tlsrpt_dump_take_str(from, &claim->owner, head.owner_len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tlsrpt_dump_take_str(from, &claim->token, head.token_len);
}


static ngx_int_t
ngx_http_tlsrpt_dump_take(ngx_http_tlsrpt_dump_from_t *from, void *to,
    size_t len)
{
    ngx_str_t  s;

    if (ngx_http_tlsrpt_dump_take_str(from, &s, len) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(to, s.data, len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_dump_take_str(ngx_http_tlsrpt_dump_from_t *from, ngx_str_t *s,
    size_t len)
{
    if (len > (size_t) (from->last - from->p)) {
        return NGX_ERROR;
    }

    s->len = len;
    s->data = from->p;
    from->p += len;

    return NGX_OK;
}


/* Writing */

ngx_int_t
ngx_http_tlsrpt_dump_write(ngx_str_t *file, ngx_log_t *log)
{
    ngx_int_t                rc;
    ngx_http_tlsrpt_dump_t  *dump;

    dump = &ngx_http_tlsrpt_dump;

    if (!dump->begun && ngx_http_tlsrpt_dump_begin(file, log) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_tlsrpt_registry_walk(&dump->walk,
                                       ngx_http_tlsrpt_dump_entry, NULL);

    if (ngx_http_tlsrpt_dump_flush(log) != NGX_OK) {
        ngx_http_tlsrpt_dump_abort();
        return NGX_ERROR;
    }

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    rc = ngx_http_tlsrpt_dump_end(log);
    ngx_http_tlsrpt_dump_abort();

    return rc;
}


static ngx_int_t
ngx_http_tlsrpt_dump_begin(ngx_str_t *file, ngx_log_t *log)
{
    ngx_http_tlsrpt_dump_t  *dump;

    dump = &ngx_http_tlsrpt_dump;

    ngx_memzero(dump, sizeof(ngx_http_tlsrpt_dump_t));

    dump->file = *file;

    dump->temp = ngx_alloc(file->len + sizeof(".new"), log);
    if (dump->temp == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(dump->temp, "%V.new%Z", file);

    /* whoever is left from a crash may have other rights */
    (void) ngx_delete_file(dump->temp);

    dump->fd = ngx_open_file(dump->temp, NGX_FILE_WRONLY,
                             NGX_FILE_CREATE_OR_OPEN|NGX_FILE_TRUNCATE, 0600);

    if (dump->fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed: the registry is not "
                      "kept for a restart while Redis is away", dump->temp);
        ngx_free(dump->temp);
        return NGX_ERROR;
    }

    dump->begun = 1;

    ngx_http_tlsrpt_dump_head();

    return NGX_OK;
}


/* What is changed from now on is later than this version: it is loaded once
   more. */

static void
ngx_http_tlsrpt_dump_head(void)
{
    ngx_http_tlsrpt_dump_head_t     head;
    ngx_http_tlsrpt_registry_sh_t  *sh;

    sh = ngx_http_tlsrpt_zone->sh;

    ngx_memzero(&head, sizeof(head));

    head.magic = NGX_HTTP_TLSRPT_DUMP_MAGIC;
    head.version = sh->version;
    head.saved = sh->synced;
    head.epoch_len = (uint32_t) sh->epoch_len;
    ngx_memcpy(head.epoch, sh->epoch, sh->epoch_len);

    ngx_http_tlsrpt_dump_add(&head, sizeof(head));
}


static void
ngx_http_tlsrpt_dump_entry(ngx_http_tlsrpt_entry_t *entry, void *data)
{
    ngx_http_tlsrpt_text_t      *text;
    ngx_http_tlsrpt_claim_t     *claim;
    ngx_http_tlsrpt_dump_row_t   row;

    ngx_memzero(&row, sizeof(row));

    text = entry->text;

    row.version = entry->version;
    row.until = entry->until;
    row.vanished = entry->vanished;
    row.name_len = entry->len;

    if (text) {
        row.text_len = text->len;
        row.id_len = text->id_len;
        row.mode = text->mode;
    }

    for (claim = entry->claims; claim; claim = claim->next) {
        row.nclaims++;
    }

    ngx_http_tlsrpt_dump_add(&row, sizeof(row));
    ngx_http_tlsrpt_dump_add(entry->name, entry->len);

    if (text) {
        ngx_http_tlsrpt_dump_add(text->data, text->len + text->id_len);
    }

    ngx_http_tlsrpt_dump_entry_claims(entry);
}


static void
ngx_http_tlsrpt_dump_entry_claims(ngx_http_tlsrpt_entry_t *entry)
{
    ngx_http_tlsrpt_claim_t       *claim;
    ngx_http_tlsrpt_dump_claim_t   row;

    for (claim = entry->claims; claim; claim = claim->next) {

        ngx_memzero(&row, sizeof(row));

        row.proved = claim->proved;
        row.state = claim->state;
        row.owner_len = claim->owner ? claim->owner->len : 0;
        row.token_len = claim->len;

        ngx_http_tlsrpt_dump_add(&row, sizeof(row));

        if (claim->owner) {
            ngx_http_tlsrpt_dump_add(claim->owner->name, claim->owner->len);
        }

        ngx_http_tlsrpt_dump_add(claim->token, claim->len);
    }
}


static void
ngx_http_tlsrpt_dump_add(const void *data, size_t len)
{
    tlsrpt_buf_add(&ngx_http_tlsrpt_dump.buf, data, len);
}


static ngx_int_t
ngx_http_tlsrpt_dump_flush(ngx_log_t *log)
{
    size_t                   done;
    ssize_t                  n;
    tlsrpt_buf_t            *buf;
    ngx_http_tlsrpt_dump_t  *dump;

    dump = &ngx_http_tlsrpt_dump;
    buf = &dump->buf;

    if (buf->failed) {
        return NGX_ERROR;
    }

    dump->sum = (uint32_t) crc32_z(dump->sum, (u_char *) buf->data, buf->len);

    for (done = 0; done < buf->len; done += (size_t) n) {
        n = ngx_write_fd(dump->fd, buf->data + done, buf->len - done);

        if (n <= 0) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          ngx_write_fd_n " \"%s\" failed", dump->temp);
            return NGX_ERROR;
        }
    }

    buf->len = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_dump_end(ngx_log_t *log)
{
    uint32_t                 sum;
    ngx_http_tlsrpt_dump_t  *dump;

    dump = &ngx_http_tlsrpt_dump;

    sum = dump->sum;
    ngx_http_tlsrpt_dump_add(&sum, sizeof(sum));

    if (ngx_http_tlsrpt_dump_flush(log) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_rename_file(dump->temp, dump->file.data) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      ngx_rename_file_n " \"%s\" to \"%V\" failed",
                      dump->temp, &dump->file);
        return NGX_ERROR;
    }

    return NGX_DONE;
}


void
ngx_http_tlsrpt_dump_abort(void)
{
    ngx_http_tlsrpt_dump_t  *dump;

    dump = &ngx_http_tlsrpt_dump;

    if (!dump->begun) {
        return;
    }

    (void) ngx_close_file(dump->fd);
    (void) ngx_delete_file(dump->temp);     /* it is not there any more where
                                               it has become the file */
    ngx_free(dump->temp);
    tlsrpt_buf_free(&dump->buf);

    dump->begun = 0;
}
