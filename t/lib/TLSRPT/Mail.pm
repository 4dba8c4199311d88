# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Mail;

# Report mails (RFC 8460 5.3) as senders make them, and their DKIM signatures
# (RFC 6376).  One RSA key a domain, made when first asked for.

use strict;
use warnings;

use Crypt::OpenSSL::RSA;
use IO::Compress::Gzip qw(gzip $GzipError);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;

my $SELECTOR = 'tlsrpt';
my %KEYS;                       # domain => Crypt::OpenSSL::RSA

sub key {
    my ($domain) = @_;

    return $KEYS{$domain} ||= Crypt::OpenSSL::RSA->generate_key(1024);
}

# The TXT record of a domain's key; more: tags put before p=.
sub key_record {
    my ($domain, $more) = @_;

    my $pem = key($domain)->get_public_key_x509_string;
    $pem =~ s/-----[^\n]*-----|\s//g;

    return 'v=DKIM1; k=rsa; ' . ($more || '') . "p=$pem";
}

sub key_name { return "$SELECTOR._domainkey.$_[0]" }

# The mail with a signature of the domain put before it.  options:
# body_length => 1 signs with l=, headers => those to sign.
sub sign {
    my ($mail, $domain, %options) = @_;

    my $signer = Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256',
        Method    => 'relaxed',
        Domain    => $domain,
        Selector  => $SELECTOR,
        Headers   => $options{headers} || 'From:To:Subject:Date:Message-ID',
        Key       => Mail::DKIM::PrivateKey->load(Cork => key($domain)),
    );

    if ($options{body_length}) {
        my ($body) = $mail =~ /\r\n\r\n(.*)\z/s;
        $signer->add_signature(Mail::DKIM::Signature->new(
            Algorithm => 'rsa-sha256', Method => 'relaxed',
            Domain => $domain, Selector => $SELECTOR,
            Headers => 'From:To:Subject:Date:Message-ID',
            BodyHash => '', Key => Mail::DKIM::PrivateKey->load(
                Cork => key($domain)),
        )) if 0;
        $signer->{l_tag} = length $body;
    }

    $signer->PRINT($mail);
    $signer->CLOSE;

    my $signature = $signer->signature->as_string;
    $signature =~ s/\r?\n/\r\n/g;

    return "$signature\r\n$mail";
}
1;
