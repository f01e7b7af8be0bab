import { format } from 'node:util';
import { Help } from '@oclif/core';

/** oclif's help as one text: oclif itself writes with console.log, which never tells of a full disk. */
export class HelpText extends Help {
  text = '';

  protected override log(...words: string[]): void {
    this.text += `${format(...words)}\n`;
  }
}
