import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { nodeScenarios } from '../../../helpers/core/crash/scenarios/node-scenarios.ts';

describeCrashes(nodeScenarios);
