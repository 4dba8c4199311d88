# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Mail;

# Report mails (RFC 8460 5.3) as senders make them, and their DKIM signatures
# (RFC 6376).  One RSA key a domain, made when first asked for.

use strict;
use warnings;

use parent 'Exporter';

use Crypt::OpenSSL::RSA;
use IO::Compress::Gzip qw(gzip $GzipError);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signature;
use Mail::DKIM::Signer;

our @EXPORT = qw(report_mail report_part mail signed dkim_record dkim_name
                 gzipped nested);

my $SELECTOR = 'tlsrpt';
my $SIGNED = 'From:To:Subject:Date:Message-ID:Content-Type:TLS-Report-Domain'
             . ':TLS-Report-Submitter';
my %KEYS;                       # domain => Crypt::OpenSSL::RSA
my $serial = 0;

sub key { return $KEYS{$_[0]} ||= Crypt::OpenSSL::RSA->generate_key(1024) }

sub dkim_name { return "$SELECTOR._domainkey.$_[0]" }

# The TXT record of a domain's key; more: tags put before p=.
sub dkim_record {
    my ($domain, $more) = @_;

    return key_record(key($domain), $more);
}

sub key_record {
    my ($key, $more) = @_;

    my $pem = $key->get_public_key_x509_string;
    $pem =~ s/-----[^\n]*-----|\s//g;

    return 'v=DKIM1; k=rsa; ' . ($more || '') . "p=$pem";
}

# The mail with a signature of the domain put before it.
# body_length => 1: with l=; headers: those under it; key, selector, algorithm.
sub signed {
    my ($mail, $domain, %options) = @_;

    my $signer = Mail::DKIM::Signer->new(Policy => sub {
        my ($self) = @_;

        my $signature = Mail::DKIM::Signature->new(
            Algorithm => $options{algorithm} || 'rsa-sha256',
            Method    => 'relaxed/simple',
            Domain    => $domain,
            Selector  => $options{selector} || $SELECTOR,
            Headers   => $options{headers} || $SIGNED,
            Key       => Mail::DKIM::PrivateKey->load(
                             Cork => $options{key} || key($domain)),
        );

        if ($options{body_length}) {
            $mail =~ /\r\n\r\n(.*)\z/s;
            $signature->body_count(length $1);
        }

        $self->add_signature($signature);

        return;
    });

    $signer->PRINT($mail);
    $signer->CLOSE;

    my $signature = $signer->signature->as_string;
    $signature =~ s/\r?\n/\r\n/g;

    return "$signature\r\n$mail";
}

sub gzipped {
    my ($text) = @_;

    gzip(\$text, \my $bytes) or die $GzipError;

    return $bytes;
}

# A MIME part: headers as pairs, the content in base64 unless
# encoding => '8bit'.
sub part {
    my ($type, $content, %options) = @_;

    my $encoding = $options{encoding} || 'base64';
    my $text = "Content-Type: $type\r\n";
    $text .= "Content-Disposition: $options{disposition}\r\n"
        if $options{disposition};
    $text .= "Content-Transfer-Encoding: $encoding\r\n\r\n";

    return $text . ($encoding eq 'base64'
        ? encode_base64($content, "\r\n") : $content);
}

# The part that carries a report: a structure, or text.
sub report_part {
    my ($report, %options) = @_;

    my $json = ref $report
        ? JSON::PP->new->utf8->canonical->encode($report) : $report;
    my $name = exists $options{name} ? $options{name}
        : 'sender.example!example.com!1795392000!1795478399!001.json.gz';
    my $type = $options{type} || 'application/tlsrpt+gzip';
    my $content = exists $options{content} ? $options{content}
        : $options{plain} ? $json : gzipped($json);

    return part($type, $content, %options,
        defined $name
            ? (disposition => qq{attachment;\r\n\tfilename="$name"}) : ());
}

sub headers {
    my (%options) = @_;

    my $from = $options{from} || 'noreply@sender.example';
    my $subject = exists $options{subject} ? $options{subject}
        : 'Report Domain: example.com Submitter: sender.example'
          . ' Report-ID: <1@sender.example>';
    my $text = join "\r\n", "From: $from", 'To: tlsrpt@example.com',
        'Date: Fri, 20 Nov 2026 03:10:06 +0000', "Subject: $subject",
        sprintf('Message-ID: <%d.%d@sender.example>', $$, ++$serial),
        'MIME-Version: 1.0', '';

    return join '', $text, map { "$_\r\n" } @{ $options{headers} || [] };
}

# A mail of parts; type => 'mixed', report_type => ''.
sub mail {
    my ($parts, %options) = @_;

    my $boundary = 'b' . ++$serial;
    my $type = $options{type} || 'report; report-type=tlsrpt';
    my $text = headers(%options)
        . qq{Content-Type: multipart/$type; boundary="$boundary"\r\n\r\n};
    $text .= "--$boundary\r\n$_" . (/\r\n\z/ ? '' : "\r\n") for @$parts;

    return $options{unclosed} ? $text : "$text--$boundary--\r\n";
}

# A mail with one report, as RFC 8460 5.3 has it.
sub report_mail {
    my ($report, %options) = @_;

    my $headers = $options{headers} || [
        'TLS-Report-Domain: example.com',
        'TLS-Report-Submitter: sender.example'];

    return headers(%options, headers => $headers)
        . report_part($report, %options) if $options{single};

    return mail([
        part('text/plain; charset=utf-8', 'A TLS report.', encoding => '8bit'),
        report_part($report, %options),
    ], %options, headers => $headers);
}

# A mail within another.
sub nested {
    my ($mail, %options) = @_;

    return mail([
        part('text/plain', 'See below.', encoding => '8bit'),
        part('message/rfc822', $mail, encoding => '8bit'),
    ], type => 'mixed', subject => 'Fwd', %options);
}

1;
