# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Authority;

# A certification authority of the test's own: a root, an intermediate below it,
# and certificates of any names and dates.
#
#     my $ca = TLSRPT::Authority->new(dir => $dir);
#     my $made = $ca->issue('mx', names => ['mx.example.com'], days => 90);
#     $made->{chain}, $made->{key};       # paths, PEM
#     $made->{tlsa};                      # "3 1 1 hex": RFC 6698, of its key
#
# What trusts $ca->root trusts them.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use IO::Socket::SSL::Utils;
use Net::SSLeay;

use constant DAY => 86400;

sub new {
    my ($class, %args) = @_;

    my $self = bless { %args }, $class;

    $self->{top} = $self->authority('Test Root');
    $self->{below} = $self->authority('Test Intermediate', $self->{top});
    $self->write('root.pem', PEM_cert2string($self->{top}[0]));

    return $self;
}

# [certificate, key]
sub authority {
    my ($self, $name, $issuer) = @_;

    return [CERT_create(
        CA => 1, subject => { commonName => $name },
        not_before => time - 400 * DAY, not_after => time + 400 * DAY,
        key => KEY_create_ec('prime256v1'),
        $issuer ? (issuer => $issuer) : ())];
}

sub root { return "$_[0]{dir}/root.pem" }

sub write {
    my ($self, $name, $text) = @_;

    my $path = "$self->{dir}/$name";
    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";

    return $path;
}

# name      of the files
# names     of the certificate
# days      from now on that it holds; begins => DAYS, from now, 1 before it
# alone     the intermediate is not in the chain
# key       of another one that was made: { from issue() }
sub issue {
    my ($self, $name, %args) = @_;

    my $key = $args{key} ? $args{key}{pkey} : KEY_create_ec('prime256v1');
    my ($cert) = CERT_create(
        subject => { commonName => $args{names}[0] },
        subjectAltNames => [map { [DNS => $_] } @{ $args{names} }],
        not_before => time + DAY * ($args{begins} // -1),
        not_after => int(time + DAY * ($args{days} // 90)),
        purpose => 'server', key => $key, issuer => $self->{below});
    my $chain = PEM_cert2string($cert);
    $chain .= PEM_cert2string($self->{below}[0]) unless $args{alone};

    return {
        pkey => $key,
        chain => $self->write("$name.pem", $chain),
        key => $self->write("$name.key", PEM_key2string($key)),
        tlsa => '3 1 1 '
            . sha256_hex(Net::SSLeay::X509_get_X509_PUBKEY($cert)),
    };
}

1;
