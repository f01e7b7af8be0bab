import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { filesScenarios } from '../../../helpers/core/crash/files-scenarios.ts';

describeCrashes(filesScenarios);
