#!/usr/bin/env bash
exec shopflow registry up "$@"
